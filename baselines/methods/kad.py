"""KAD, for evaluation alone: names of findings, read by a text tower, query a ResNet's cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from baselines.encoders.bert_vocabulary import BertTokenizer
from baselines.encoders.imagenet_colours import in_colours
from baselines.encoders.towers import ResNetWithReports
from baselines.methods.choices import check_choices
from baselines.methods.kad_prompts import question_of
from baselines.methods.medklip_decoder import QueryDecoder
from benchmark.errors import BadDataError, NotApplicable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmark.interfaces import PretrainBatch

_CHOICES = {"query_names": ("paper", "plain")}
STAGES = (3, 4)
"""That a released image tower may be read at, in torchvision's count: 224 px, and 512 or 1024."""
_COLOURS = 3


class KAD(ResNetWithReports):
    """A `benchmark.interfaces.Representation` with the query network beside both towers.

    An image's vector is the mean of its projected cells, a text's the projected pooler; the
    official contrast compares these two. Zero-shot scores are the query network's.

    Args:
        size: See `ResNetWithReports`; `stage`, `query_width`, `query_layers`, `query_heads`,
            `query_hidden`, `query_dropout`.
        options: `query_names`.
        image_size: Side of the input in pixels.
        tokenizer_json: Of the text tower.

    Raises:
        BadDataError: A published vocabulary has another length than the table of word vectors.
    """

    def __init__(
        self,
        size: Mapping[str, Any],
        options: Mapping[str, Any],
        image_size: int,
        tokenizer_json: str | None,
    ) -> None:
        super().__init__(size, image_size, tokenizer_json)
        check_choices(options, _CHOICES)
        self.paper_names = options["query_names"] == "paper"
        self._check_vocabulary(int(size["vocabulary"]))
        self.stage = int(size["stage"])
        stage = self.backbone.feature_info[self.stage]
        side = -(-image_size // int(stage["reduction"]))
        self.grid = (side, side)
        if self.channels == _COLOURS:
            stem: Any = self.backbone.conv1
            self.backbone.conv1 = in_colours(stem)
        cells, width, words = int(stage["num_chs"]), size["query_width"], size["text_width"]
        dropout = float(size["query_dropout"])
        self.image_hidden, self.image_out = nn.Linear(cells, cells), nn.Linear(cells, width)
        self.pooler = nn.Linear(words, words)
        self.text_hidden, self.text_out = nn.Linear(words, width), nn.Linear(width, width)
        self.decoder = QueryDecoder(
            size["query_layers"], width, size["query_heads"], size["query_hidden"], dropout
        )
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(width, 2)

    def _check_vocabulary(self, rows: int) -> None:
        """A shorter list of words would be read without complaint, into wrong vectors."""
        if isinstance(self.tokenizer, BertTokenizer) and self.tokenizer.entries != rows:
            raise BadDataError(
                f"The vocabulary has {self.tokenizer.entries} pieces and KAD's text tower {rows} "
                "word vectors: it is another model's."
            )

    def stage_map(self, images: Tensor) -> Tensor:
        """(B, C, rows, columns) of the stage that is read; no later one is computed."""
        found: list[Tensor] = self.backbone.forward_intermediates(
            images.expand(-1, self.channels, -1, -1),
            indices=[self.stage],
            stop_early=True,
            intermediates_only=True,
        )
        return found[0]

    def tokens(self, images: Tensor) -> Tensor:
        """(B, N, query_width) projected cells."""
        cells = self.stage_map(images).flatten(2).transpose(1, 2)
        tokens: Tensor = self.image_out(torch.relu(self.image_hidden(cells)))
        return tokens

    def patch_features(self, images: Tensor, projected: bool) -> Tensor:
        """(B, N, D) cells of the stage that is read, or projected."""
        if projected:
            return self.tokens(images).float()
        return self.stage_map(images).flatten(2).transpose(1, 2).float()

    def image_embedding(self, images: Tensor) -> Tensor:
        """(B, query_width) mean of the projected cells."""
        return self.patch_features(images, projected=True).mean(dim=1)

    def text_embedding(self, texts: Sequence[str]) -> Tensor:
        """(T, query_width) of texts as they stand; see `text_similarities` for prompts."""
        pooled = torch.tanh(self.pooler(self.read(texts).last[:, 0]))
        vectors: Tensor = self.text_out(nn.functional.gelu(self.text_hidden(pooled)))
        return vectors.float()

    def answers(self, images: Tensor, names: Sequence[str]) -> tuple[Tensor, list[Tensor]]:
        """(B, Q, 2) logits of absent and present, and each layer's attention (B, Q, N).

        The queries look at one another, so that an answer depends on what else is asked.
        """
        # The decoder's last norm is also the one in front of it, as officially.
        queries = self.decoder.norm(self.text_embedding(names)).expand(len(images), -1, -1)
        found, maps = self.decoder(queries, self.decoder.norm(self.tokens(images)))
        logits: Tensor = self.classifier(self.dropout(found))
        return logits.float(), maps

    def text_similarities(self, images: Tensor, texts: Sequence[str]) -> Tensor:
        """(B, T): the logit of present for a statement, that of absent for a denial.

        All findings that the texts name are asked together and each once, as officially all
        classes of a task, so that the softmax over a pair is the paper's probability.
        """
        questions = [question_of(text, self.paper_names) for text in texts]
        names = list(dict.fromkeys(question.name for question in questions))
        logits, _ = self.answers(images, names)
        rows = [names.index(question.name) for question in questions]
        return logits[:, rows, [0 if question.denied else 1 for question in questions]]

    def pretraining_loss(
        self, batch: PretrainBatch, generator: torch.Generator
    ) -> Mapping[str, Tensor]:
        """There is none."""
        raise NotApplicable(
            "KAD's pre-training objective needs entities of RadGraph and UMLS; its released "
            "weights are evaluated, not trained on."
        )
