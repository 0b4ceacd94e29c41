"""What G2D's decoder learns: to draw the pseudo mask, or for comparison the image itself.

Liu et al., NeurIPS 2024, Equations 2 to 5; code cheliu-computation/G2D-NeurIPS24. B images with K
masks of H x W pixels each.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from baselines.objectives.contrast import cosine_logits, row_losses
from benchmark.errors import unknown_name

DICE_SMOOTHING = 1e-5
OFFICIAL_ENTROPY_WEIGHT = 0.2
DENSE_FORMS = ("paper", "official", "official_probabilities")
DIRECTIONS = ("image_to_text", "both")


def dice_loss(values: Tensor, targets: Tensor) -> Tensor:
    """1 - Dice of each mask, sums and not squares in the denominator; the mean over the masks.

    Bounded for values in [0, 1] only: on logits the denominator may be near 0 or negative.

    Args:
        values: (B, K, H, W).
        targets: (B, K, H, W) in [0, 1].
    """
    common = (values * targets).sum(dim=(2, 3))
    sizes = values.sum(dim=(2, 3)) + targets.sum(dim=(2, 3))
    return (1 - (2 * common + DICE_SMOOTHING) / (sizes + DICE_SMOOTHING)).mean()


def dense_loss(logits: Tensor, targets: Tensor, form: str = "paper") -> Tensor:
    """Dice and binary cross-entropy between what the decoder draws and the pseudo mask.

    Args:
        logits: (B, K, H, W).
        targets: (B, K, H, W) in [0, 1].
        form: `paper`: (Dice on probabilities + cross-entropy) / 2. `official`: Dice on the raw
            logits + 0.2 cross-entropy; unbounded. `official_probabilities`: the same weights with
            the Dice on probabilities.
    """
    if form not in DENSE_FORMS:
        raise unknown_name("value of option `dense_loss`", form, DENSE_FORMS)
    entropy = functional.binary_cross_entropy_with_logits(logits, targets)
    dice = dice_loss(logits if form == "official" else logits.sigmoid(), targets)
    if form == "paper":
        return (dice + entropy) / 2
    return dice + OFFICIAL_ENTROPY_WEIGHT * entropy


def restoration_loss(drawn: Tensor, images: Tensor) -> Tensor:
    """Mean squared error of the decoder's output against the image: Table 5, `Reconstruction`."""
    return functional.mse_loss(drawn, images)


def of_other_images(targets: Tensor, generator: torch.Generator) -> Tensor:
    """The targets in an order in which no image keeps its own: Table 8, shuffled masks.

    Args:
        targets: (B, ...); one alone stays.
        generator: CPU generator; a random cycle through the batch is drawn.
    """
    order = torch.randperm(len(targets), generator=generator)
    given = torch.empty_like(order)
    given[order] = order.roll(1)
    return targets[given.to(targets.device)]


def global_loss(
    images: Tensor, texts: Tensor, temperature: float, directions: str = "image_to_text"
) -> Tensor:
    """InfoNCE of pooled images and reports.

    Args:
        images: (B, D).
        texts: (B, D).
        temperature: Cosines are divided by it.
        directions: `image_to_text`: Equation 1 as printed. `both`: the official code, the sum of
            both directions, not their mean.
    """
    if directions not in DIRECTIONS:
        raise unknown_name("value of option `contrast`", directions, DIRECTIONS)
    logits = cosine_logits(images, texts, 1 / temperature)
    loss = row_losses(logits).mean()
    return loss + row_losses(logits.T).mean() if directions == "both" else loss
