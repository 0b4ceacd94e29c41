"""The model that makes the common start of the ResNets: blanked cells are restored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from baselines.encoders.masked_vit import random_mask
from baselines.encoders.towers import ResNetWithReports
from baselines.objectives.reconstruction import masked_patch_loss, patchify

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmark.interfaces import PretrainBatch


class HouseResNet(ResNetWithReports):
    """A ResNet that restores blanked cells; the text tower keeps its start.

    A cell is as large as one cell of the last map. Blanked ones become the value of the image
    profile's mean, which is 0 after normalisation.

    Args:
        size: See `ResNetWithReports`.
        options: `mask_ratio`, the blanked share of the cells.
        image_size: Side of the input in pixels.
        tokenizer_json: Of the text tower.
    """

    without_gradient: tuple[str, ...]

    def __init__(
        self,
        size: Mapping[str, Any],
        options: Mapping[str, Any],
        image_size: int,
        tokenizer_json: str | None,
    ) -> None:
        super().__init__(size, image_size, tokenizer_json)
        self.mask_ratio = float(options["mask_ratio"])
        self.cell = image_size // self.grid[0]
        self.restore = nn.Conv2d(self.feature_dim, self.cell**2, 1)
        self.bert_encoder.requires_grad_(False)
        # The text tower only passes through.
        self.without_gradient = ("bert_encoder",)

    def pretraining_loss(
        self, batch: PretrainBatch, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """Squared error of the blanked cells' pixels; the texts are not looked at."""
        images = batch.images
        rows, columns = images.shape[-2] // self.cell, images.shape[-1] // self.cell
        noise = torch.rand(len(images), rows * columns, generator=generator)
        _, _, removed = random_mask(noise.to(images.device), self.mask_ratio)
        cells = removed.view(-1, 1, rows, columns)
        kept = 1 - cells.repeat_interleave(self.cell, 2).repeat_interleave(self.cell, 3)
        predicted = self.restore(self.last_map(images * kept)).flatten(2).transpose(1, 2)
        loss = masked_patch_loss(predicted, patchify(images, self.cell), removed)
        return {"total": loss, "reconstruction": loss}
