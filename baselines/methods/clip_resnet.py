"""The model class of CLIP on a ResNet and BERT."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from baselines.encoders.towers import ResNetWithReports
from baselines.objectives.clip import LearnedScale, clip_loss

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch

    from benchmark.interfaces import PretrainBatch


class ClipResNet(ResNetWithReports):
    """A `benchmark.interfaces.Representation`: two linear maps into one space, and a scale.

    Args:
        size: Keys of the towers, and `shared_width`.
        options: `temperature`, `scale`, `scale_limit`, `gather`.
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
        self.image_projection = nn.Linear(self.feature_dim, size["shared_width"], bias=False)
        self.text_projection = nn.Linear(size["text_width"], size["shared_width"], bias=False)
        limit = options["scale_limit"]
        self.scale = LearnedScale(
            float(options["temperature"]),
            str(options["scale"]),
            None if limit is None else float(limit),
        )

    def pretraining_loss(
        self, batch: PretrainBatch, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """`total` and `contrastive`, which are one; nothing is drawn."""
        images = self.image_projection(self.last_map(batch.images).mean(dim=(2, 3)))
        texts = self.text_projection(self.read(batch.texts).last[:, 0])
        loss = clip_loss(images, texts, self.scale(), self.gather)
        return {"total": loss, "contrastive": loss}

    def patch_features(self, images: Tensor, projected: bool) -> Tensor:
        """(B, N, D) cells of the last map; `projected` through the image's linear map.

        The map is linear, so the mean of the projected cells is the image's vector.
        """
        cells = self.last_map(images).flatten(2).transpose(1, 2)
        return (self.image_projection(cells) if projected else cells).float()

    def image_embedding(self, images: Tensor) -> Tensor:
        """(B, shared_width) projected mean of the last map."""
        return self.patch_features(images, projected=True).mean(dim=1)

    def text_embedding(self, texts: Sequence[str]) -> Tensor:
        """(T, shared_width) projected CLS states."""
        vectors: Tensor = self.text_projection(self.read(texts).last[:, 0]).float()
        return vectors

    def temperature(self) -> float:
        """The learned factor on cosines."""
        return self.scale.number()
