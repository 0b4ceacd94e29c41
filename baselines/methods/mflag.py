"""The model class of M-FLAG."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from baselines.encoders.towers import ResNetWithReports, projection_head
from baselines.objectives.mflag import TIMES, alignment_loss, orthogonality_loss
from benchmark.errors import BadDataError, UsageError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmark.interfaces import PretrainBatch

DROPOUT = ("official", "off")


class MFlag(ResNetWithReports):
    """A `benchmark.interfaces.Representation`: a ResNet drawn to the vectors of a frozen BERT.

    Args:
        size: Keys of the towers, and `hidden_width` and `shared_width` of the two heads.
        options: `alignment`, `off_diagonal`, `nominal_batch`, `frozen_dropout`.
        image_size: Side of the input in pixels.
        tokenizer_json: Of the text tower.
    """

    frozen_layers = 12
    frozen_words = True

    def __init__(
        self,
        size: Mapping[str, Any],
        options: Mapping[str, Any],
        image_size: int,
        tokenizer_json: str | None,
    ) -> None:
        super().__init__(size, image_size, tokenizer_json)
        for name, known in (("alignment", TIMES), ("frozen_dropout", DROPOUT)):
            if options[name] not in known:
                raise unknown_name(f"value of option `{name}`", str(options[name]), known)
        if int(options["nominal_batch"]) < 0:
            raise UsageError("Option `nominal_batch` must be 0 (the rows there are) or more.")
        self.options = dict(options)
        hidden, shared = size["hidden_width"], size["shared_width"]
        self.proj_v = projection_head(self.feature_dim, hidden, shared)
        self.proj_t = projection_head(size["text_width"], hidden, shared)

    def language_model_is_frozen(self) -> bool:
        """Whether the start weights covered all of BERT, so that nothing of it learns."""
        return not any(part.requires_grad for part in self.bert_encoder.parameters())

    def train(self, mode: bool = True) -> MFlag:
        """Training mode, in which a frozen BERT drops words unless `frozen_dropout` is `off`."""
        super().train(mode)
        self._settle_dropout()
        return self

    def after_start(self, names: Sequence[str]) -> None:
        """Freeze BERT as far as it came from the start weights."""
        super().after_start(names)
        self._settle_dropout()

    def _settle_dropout(self) -> None:
        if self.options["frozen_dropout"] == "off" and self.language_model_is_frozen():
            self.bert_encoder.eval()

    def pretraining_loss(
        self, batch: PretrainBatch, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """`total`, `alignment` and `orthogonality`; nothing is drawn from `generator`."""
        if len(batch.images) != len(batch.texts):
            raise BadDataError(
                f"{len(batch.images)} images meet {len(batch.texts)} texts in one batch."
            )
        pooled = self.last_map(batch.images).mean(dim=(2, 3))
        images = self.proj_v(pooled)
        texts = self.proj_t(self.read(batch.texts).last[:, 0])
        with torch.autocast(images.device.type, enabled=False):
            alignment = alignment_loss(images, texts, str(self.options["alignment"]))
            orthogonality = orthogonality_loss(
                pooled, float(self.options["off_diagonal"]), int(self.options["nominal_batch"])
            )
        return {
            "total": alignment + orthogonality,
            "alignment": alignment,
            "orthogonality": orthogonality,
        }

    def image_embedding(self, images: Tensor) -> Tensor:
        """(B, shared_width) projected mean of the last map."""
        vectors: Tensor = self.proj_v(self.last_map(images).mean(dim=(2, 3))).float()
        return vectors

    def text_embedding(self, texts: Sequence[str]) -> Tensor:
        """(T, shared_width) projected CLS states."""
        vectors: Tensor = self.proj_t(self.read(texts).last[:, 0]).float()
        return vectors
