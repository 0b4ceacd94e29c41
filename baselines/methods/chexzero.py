"""The model class of CheXzero as it is trained here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from baselines.encoders.towers import ViTWithReports
from baselines.objectives.clip import LearnedScale, clip_loss

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch

    from benchmark.interfaces import PretrainBatch


class CheXzero(ViTWithReports):
    """A `benchmark.interfaces.Representation`: CLS and one linear map on either side.

    Args:
        size: Keys of the towers, and `shared_width`.
        options: `temperature`, `scale_limit`, `gather`.
        image_size: Side of the input in pixels.
        tokenizer_json: Of the text tower.
    """

    def __init__(
        self,
        size: Mapping[str, Any],
        options: Mapping[str, Any],
        image_size: int,
        tokenizer_json: str | None,
    ) -> None:
        super().__init__(size, image_size, tokenizer_json)
        self.gather = bool(options["gather"])
        self.image_projection = nn.Linear(size["width"], size["shared_width"], bias=False)
        self.text_projection = nn.Linear(size["text_width"], size["shared_width"], bias=False)
        limit = options["scale_limit"]
        self.scale = LearnedScale(
            float(options["temperature"]), limit=None if limit is None else float(limit)
        )

    def pretraining_loss(
        self, batch: PretrainBatch, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """`total` and `contrastive`, which are one; nothing is drawn."""
        images = self.image_projection(self.tokens(batch.images)[:, 0])
        texts = self.text_projection(self.read(batch.texts).last[:, 0])
        loss = clip_loss(images, texts, self.scale(), self.gather)
        return {"total": loss, "contrastive": loss}

    def patch_features(self, images: Tensor, projected: bool) -> Tensor:
        """(B, N, D) normalised patch tokens; `projected` through the map that CLS goes through.

        No loss ever saw a projected patch, so grounding with them is weak.
        """
        patches = self.tokens(images)[:, 1:]
        return (self.image_projection(patches) if projected else patches).float()

    def pooled_features(self, images: Tensor) -> Tensor:
        """(B, width) normalised CLS tokens."""
        return self.tokens(images)[:, 0].float()

    def image_embedding(self, images: Tensor) -> Tensor:
        """(B, shared_width) projected CLS tokens."""
        vectors: Tensor = self.image_projection(self.tokens(images)[:, 0]).float()
        return vectors

    def text_embedding(self, texts: Sequence[str]) -> Tensor:
        """(T, shared_width) projected CLS states."""
        vectors: Tensor = self.text_projection(self.read(texts).last[:, 0]).float()
        return vectors

    def temperature(self) -> float:
        """The learned factor on cosines; the official probabilities do without it."""
        return self.scale.number()
