"""Flip and scale jitter of whole batches with their boxes (large-scale jitter, as in ViTDet).

As `benchmark.training.augment`: apply it before normalisation, what lies outside the picture is
black, and all random numbers come from the passed CPU generator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Sequence

SMALLEST_SIDE = 1.0
"""Pixels; what a crop leaves of a box is no box below it."""


def flip_and_jitter(
    images: Tensor,
    boxes: Sequence[Tensor],
    labels: Sequence[Tensor],
    generator: torch.Generator,
    *,
    flip_probability: float,
    scale: tuple[float, float],
) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """Flip horizontally, magnify, and crop or pad back to the same square.

    A magnified image is cropped at a random place; a shrunk one lies at the top left, padded with
    black. Four numbers a sample are drawn whatever the settings are.

    Args:
        images: (B, 1, S, S) in [0, 1].
        boxes: (n, 4) x1 y1 x2 y2 of each image, in pixels.
        labels: (n,) of each image.
        generator: CPU generator.
        flip_probability: 0 keeps left and right apart.
        scale: Limits of the magnification, uniform between them.

    Returns:
        Images, boxes and labels; boxes are cut at the border, and dropped where less than a pixel
        of them is left.
    """
    size = images.shape[-1]
    draws = torch.rand(4, len(images), generator=generator)
    flipped = draws[0] < flip_probability
    magnification = scale[0] + (scale[1] - scale[0]) * draws[1]
    room = (magnification - 1).clamp(min=0) * size
    offset = draws[2:] * room
    moved, kept_labels = [], []
    for index, (given, names) in enumerate(zip(boxes, labels, strict=True)):
        corners = _moved(given, size, bool(flipped[index]), magnification[index], offset[:, index])
        sides = corners[:, 2:] - corners[:, :2]
        kept = (sides >= SMALLEST_SIDE).all(dim=1)
        moved.append(corners[kept])
        kept_labels.append(names[kept])
    if scale == (1.0, 1.0):
        mirrored = flipped.to(images.device)[:, None, None, None]
        return torch.where(mirrored, images.flip(-1), images), moved, kept_labels
    return _resampled(images, flipped, magnification, offset), moved, kept_labels


def _moved(boxes: Tensor, size: int, flipped: bool, scale: Tensor, offset: Tensor) -> Tensor:
    x1, y1, x2, y2 = boxes.unbind(dim=1)
    if flipped:
        x1, x2 = size - x2, size - x1
    corners = torch.stack([x1, y1, x2, y2], dim=1) * scale
    shift = offset.to(corners).repeat(2)
    return (corners - shift).clamp(0, size)


def _resampled(images: Tensor, flipped: Tensor, scale: Tensor, offset: Tensor) -> Tensor:
    """One bilinear resampling; an output pixel u shows the input at (u + offset) / scale."""
    size = images.shape[-1]
    sign = torch.where(flipped, -1.0, 1.0)
    # In grid_sample's coordinates the image spans [-1, 1].
    centre = (1 + 2 * offset / size) / scale - 1
    zero = torch.zeros_like(scale)
    theta = torch.stack(
        [
            torch.stack([sign / scale, zero, sign * centre[0]], dim=1),
            torch.stack([zero, 1 / scale, centre[1]], dim=1),
        ],
        dim=1,
    )
    grid = functional.affine_grid(theta.to(images), list(images.shape), align_corners=False)
    return functional.grid_sample(
        images, grid, mode="bilinear", padding_mode="zeros", align_corners=False
    )
