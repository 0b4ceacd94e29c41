"""Released ConVIRT weights, BenchX's: its heads and its reading of texts, for evaluation alone.

BenchX (yangzhou12/BenchX) trains ViLMedic's class. A text's vector is the text tower's pooler on
the first token. The tower of its public configuration is a RoBERTa, which is computed here as the
BERT that it is but for one segment, another epsilon in its norms, and positions that begin later
(the table loses its unused beginning when the file is read).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from baselines.encoders.bert_vocabulary import BertTokenizer
from baselines.encoders.imagenet_colours import (
    GREY_DEVIATION,
    GREY_MEAN,
    ColourConv2d,
    in_colours,
)
from baselines.methods.convirt import CHOICES, ConVIRT
from benchmark.errors import BadDataError, NotApplicable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from baselines.encoders.reports import Reading
    from benchmark.interfaces import PretrainBatch

TOWERS = "benchx"
"""Value of `towers` in the size of released weights."""

PROFILE = (0.5, 0.5)
"""Mean and deviation of the images that `baselines.convirt` asks for."""

_COLOURS = 3
_CHOICES = {**CHOICES, "text_pooling": ("pooler",)}


class OfficialConVIRT(ConVIRT):
    """ConVIRT with the text tower's pooler; see the module.

    Args:
        size: As `ConVIRT` takes it, with `text_segments` (1 in a RoBERTa, 2 in a BERT) and
            `text_epsilon` of the text tower's norms.
        options: Of `baselines.convirt`, with `text_pooling` `pooler`.
        image_size: Side of the input in pixels.
        tokenizer_json: Of the text tower.

    Raises:
        BadDataError: A published vocabulary has another length than the table of word vectors.
    """

    choices = _CHOICES

    def __init__(
        self,
        size: Mapping[str, Any],
        options: Mapping[str, Any],
        image_size: int,
        tokenizer_json: str | None,
    ) -> None:
        super().__init__(size, options, image_size, tokenizer_json)
        self._check_vocabulary(int(size["vocabulary"]))
        width = int(size["text_width"])
        self.pooler = nn.Linear(width, width)
        bert: Any = self.bert_encoder.model["bert"]
        bert.embeddings.token_type_embeddings = nn.Embedding(int(size["text_segments"]), width)
        for module in bert.modules():
            if isinstance(module, nn.LayerNorm):
                module.eps = float(size["text_epsilon"])
        if self.channels == _COLOURS:
            stem: Any = self.backbone.conv1
            self.backbone.conv1 = from_profile(in_colours(stem))

    def _check_vocabulary(self, rows: int) -> None:
        """Which text tower it is, no name tells: a wrong list of words would be read silently."""
        if isinstance(self.tokenizer, BertTokenizer) and self.tokenizer.entries != rows:
            raise BadDataError(
                f"The vocabulary has {self.tokenizer.entries} pieces and ConVIRT's text tower "
                f"{rows} word vectors: it is another model's."
            )

    def _pooled(self, reading: Reading) -> Tensor:
        """(T, text_width) of the first token."""
        return torch.tanh(self.pooler(reading.last[:, 0]))

    def pretraining_loss(
        self, batch: PretrainBatch, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """There is none."""
        raise NotApplicable("Released ConVIRT weights are evaluated, not trained on.")


def from_profile(stem: ColourConv2d) -> ColourConv2d:
    """The same convolution for images in `PROFILE`, where it expects ImageNet's averages."""
    mean, deviation = PROFILE
    stem.shift += stem.gain * (mean - GREY_MEAN) / GREY_DEVIATION
    stem.gain *= deviation / GREY_DEVIATION
    return stem
