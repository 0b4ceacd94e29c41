"""Focal and Dice loss of a binary mask, given one logit a pixel.

mmsegmentation, which MaCo and MRM use, has two logits a pixel, background and finding. Their
focal loss is a sigmoid on each of the two; here it is the one of a single logit, which is the
same where the two are opposite. Their Dice loss is divided by the number of classes although the
background has weight 0, so that it counts half as much as the configured weight says; here the
weights are those of the paper's text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor
from torchvision.ops import sigmoid_focal_loss

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmark.recipes.segment import SegmentRecipe

SMOOTH = 1.0
"""Added to both sides of the Dice ratio: an empty target then asks for an empty prediction."""


@dataclass(frozen=True)
class MaskLoss:
    """The weighted sum of both losses; the fields are those of `SegmentRecipe`."""

    focal_weight: float
    dice_weight: float
    gamma: float = 2.0
    alpha: float = 0.5
    dice_form: Literal["image", "batch", "log_batch"] = "image"

    @classmethod
    def of(cls, recipe: SegmentRecipe) -> MaskLoss:
        """As a recipe wants it."""
        return cls(
            recipe.focal_weight,
            recipe.dice_weight,
            recipe.focal_gamma,
            recipe.focal_alpha,
            recipe.dice_form,
        )

    def __call__(self, logits: Tensor, target: Tensor) -> dict[str, Tensor]:
        """`focal`, `dice` and their weighted sum `total`, of logits and masks (B, 1, H, W)."""
        logits, target = logits.float(), target.float()
        focal: Tensor = sigmoid_focal_loss(
            logits, target, alpha=self.alpha, gamma=self.gamma, reduction="mean"
        )
        probability = torch.sigmoid(logits)
        dice = DICE_FORMS[self.dice_form](probability, target)
        total = self.focal_weight * focal + self.dice_weight * dice
        return {"total": total, "focal": focal, "dice": dice}


def dice_of_images(probability: Tensor, target: Tensor) -> Tensor:
    """Mean over the images of 1 - (2 sum p t + 1) / (sum p^2 + sum t^2 + 1) (V-Net)."""
    inside, true = probability.flatten(1), target.flatten(1)
    common = 2 * (inside * true).sum(dim=1) + SMOOTH
    both = (inside**2).sum(dim=1) + (true**2).sum(dim=1) + SMOOTH
    return (1 - common / both).mean()


def dice_of_batch(probability: Tensor, target: Tensor) -> Tensor:
    """1 - (2 sum p t + 1) / (sum p + sum t + 1) over all pixels of the batch (MedKLIP)."""
    return 1 - _batch_ratio(probability, target)


def log_dice_of_batch(probability: Tensor, target: Tensor) -> Tensor:
    """-log((2 sum p t + 1) / (sum p + sum t + 1)) over all pixels of the batch."""
    return -torch.log(_batch_ratio(probability, target))


def _batch_ratio(probability: Tensor, target: Tensor) -> Tensor:
    common = 2 * (probability * target).sum() + SMOOTH
    return common / (probability.sum() + target.sum() + SMOOTH)


DICE_FORMS = {"image": dice_of_images, "batch": dice_of_batch, "log_batch": log_dice_of_batch}


def with_auxiliary(
    loss: MaskLoss, main: Tensor, auxiliary: Tensor | None, target: Tensor, weight: float
) -> Mapping[str, Tensor]:
    """The loss of the main head, and that of an auxiliary head times its weight."""
    parts = loss(main, target)
    if auxiliary is None:
        return parts
    beside = loss(auxiliary, target)["total"]
    return {**parts, "auxiliary": beside, "total": parts["total"] + weight * beside}
