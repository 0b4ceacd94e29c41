"""The model of ConVIRT; see `baselines/convirt.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from baselines.encoders.towers import ResNetWithReports
from baselines.methods.choices import check_choices
from baselines.methods.sentences import one_sentence_each
from baselines.objectives.contrast import gathered
from baselines.objectives.convirt import convirt_loss
from benchmark.errors import BadDataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from baselines.encoders.reports import Reading
    from benchmark.interfaces import PretrainBatch

CHOICES: Mapping[str, Sequence[str]] = {
    "sentence": ("random", "all"),
    "text_pooling": ("max", "mean", "cls"),
}


class ConVIRT(ResNetWithReports):
    """A `benchmark.interfaces.Representation`: pooled image and pooled text, each with a head.

    Args:
        size: Keys of the towers, `shared_width` of the two heads, and `head_width` of their hidden
            layers where these are not as wide as their inputs.
        options: Of `baselines.convirt`.
        image_size: Side of the input in pixels.
        tokenizer_json: Of the text tower.
    """

    frozen_layers = 6
    frozen_words = True
    choices: Mapping[str, Sequence[str]] = CHOICES

    def __init__(
        self,
        size: Mapping[str, Any],
        options: Mapping[str, Any],
        image_size: int,
        tokenizer_json: str | None,
    ) -> None:
        super().__init__(size, image_size, tokenizer_json)
        check_choices(options, self.choices)
        if float(options["temperature"]) <= 0:
            raise UsageError("Option `temperature` must be positive.")
        if not 0 <= float(options["image_weight"]) <= 1:
            raise UsageError("Option `image_weight` must lie in [0, 1].")
        self.options = dict(options)
        hidden, out = size.get("head_width"), size["shared_width"]
        self.image_head = _head(self.feature_dim, hidden or self.feature_dim, out)
        self.text_head = _head(size["text_width"], hidden or size["text_width"], out)

    def pretraining_loss(
        self, batch: PretrainBatch, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """`total`, `image_to_text`, `text_to_image`; the sentences come from `generator`."""
        if len(batch.images) != len(batch.texts):
            raise BadDataError(
                f"{len(batch.images)} images meet {len(batch.texts)} texts in one batch."
            )
        texts: Sequence[str] = batch.texts
        if self.options["sentence"] == "random":
            texts = one_sentence_each(texts, generator)
        vectors = self.image_embedding(batch.images), self.text_embedding(texts)
        with torch.autocast(batch.images.device.type, enabled=False):
            if self.options["gather"]:
                vectors = gathered(vectors[0]), gathered(vectors[1])
            total, to_text, to_image = convirt_loss(
                *vectors, float(self.options["temperature"]), float(self.options["image_weight"])
            )
        return {"total": total, "image_to_text": to_text, "text_to_image": to_image}

    def patch_features(self, images: Tensor, projected: bool) -> Tensor:
        """(B, N, D) cells of the last map, raw or each through the image head."""
        cells = self.last_map(images).flatten(2).transpose(1, 2)
        return (self.image_head(cells) if projected else cells).float()

    def image_embedding(self, images: Tensor) -> Tensor:
        """(B, shared_width) projected mean of the last map."""
        return self.image_head(self.last_map(images).mean(dim=(2, 3))).float()

    def text_embedding(self, texts: Sequence[str]) -> Tensor:
        """(T, shared_width) projected pooled tokens."""
        return self.text_head(self._pooled(self.read(texts))).float()

    def _pooled(self, reading: Reading) -> Tensor:
        """(T, text_width) of the last layer; padding takes no part."""
        form = self.options["text_pooling"]
        if form == "cls":
            return reading.last[:, 0]
        present = reading.attention.bool()[:, :, None]
        if form == "mean":
            return reading.last.masked_fill(~present, 0).sum(dim=1) / present.sum(dim=1)
        return reading.last.masked_fill(~present, -torch.inf).max(dim=1).values

    def temperature(self) -> float:
        """The fixed inverse temperature."""
        return 1 / float(self.options["temperature"])


def _head(width: int, hidden: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, out))
