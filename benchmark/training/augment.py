"""Augmentation of whole batches of grey images, (B, 1, H, H) in [0, 1], on any device.

Apply it before normalisation: what lies outside the picture becomes 0, which is black. All
random numbers come from the passed CPU generator, so a batch is the same on CPU and GPU.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


def flip_and_affine(
    images: Tensor,
    generator: torch.Generator,
    *,
    flip_probability: float = 0.5,
    rotation_degrees: float = 20.0,
    scale: tuple[float, float] = (0.8, 1.2),
) -> Tensor:
    """Horizontal flip, then rotation and scaling about the centre, in one bilinear resampling.

    The pre-training augmentation of MaCo (method sheet: flip, affine of +-20 degrees and scale
    0.8 to 1.2, no translation). Three numbers a sample are drawn whatever the settings are, so
    that switching one off leaves the others as they were.

    Args:
        images: (B, 1, H, H).
        generator: CPU generator.
        flip_probability: 0 keeps left and right apart.
        rotation_degrees: Angle uniform in +- this.
        scale: Magnification uniform between these.
    """
    draws = torch.rand(3, len(images), generator=generator)
    flipped = draws[0] < flip_probability
    if rotation_degrees == 0 and scale == (1.0, 1.0):
        return _flip(images, flipped)
    angle = (2 * draws[1] - 1) * math.radians(rotation_degrees)
    magnification = scale[0] + (scale[1] - scale[0]) * draws[2]
    sign = torch.where(flipped, -1.0, 1.0)
    cosine, sine = torch.cos(angle) / magnification, torch.sin(angle) / magnification
    zero = torch.zeros_like(angle)
    # From output to input: undo rotation and scale, then undo the flip.
    theta = torch.stack(
        [
            torch.stack([sign * cosine, sign * sine, zero], dim=1),
            torch.stack([-sine, cosine, zero], dim=1),
        ],
        dim=1,
    )
    return _resample(images, theta, images.shape[-1])


def random_resized_crop(
    images: Tensor,
    generator: torch.Generator,
    size: int,
    *,
    scale: tuple[float, float] = (0.08, 1.0),
    ratio: tuple[float, float] = (3 / 4, 4 / 3),
    flip_probability: float = 0.5,
    attempts: int = 10,
) -> Tensor:
    """Cut a random rectangle, resize it to a square, flip it (Inception cropping).

    The rectangle's share of the area is uniform in `scale`, the logarithm of its aspect ratio
    uniform in `ratio`; the first of `attempts` draws that fits is taken, else the whole image,
    as torchvision does. Positions are real numbers, not pixels.

    Args:
        images: (B, 1, H, H); best about twice `size`, so that small crops stay sharp.
        generator: CPU generator.
        size: Side of the result in pixels.
        scale: Limits of the share of the area.
        ratio: Limits of width / height.
        flip_probability: Of a horizontal flip.
        attempts: Draws before the whole image is taken.

    Returns:
        (B, 1, size, size).
    """
    count = len(images)
    area = scale[0] + (scale[1] - scale[0]) * torch.rand(count, attempts, generator=generator)
    low, high = math.log(ratio[0]), math.log(ratio[1])
    aspect = torch.exp(low + (high - low) * torch.rand(count, attempts, generator=generator))
    place = torch.rand(count, 3, generator=generator)
    widths, heights = torch.sqrt(area * aspect), torch.sqrt(area / aspect)
    fits = (widths <= 1) & (heights <= 1)
    first = fits.to(torch.uint8).argmax(dim=1, keepdim=True)
    none_fits = ~fits.any(dim=1)
    width = widths.gather(1, first).squeeze(1).masked_fill(none_fits, 1.0)
    height = heights.gather(1, first).squeeze(1).masked_fill(none_fits, 1.0)
    # In grid_sample's coordinates the image spans [-1, 1].
    centre_x, centre_y = (1 - width) * (2 * place[:, 0] - 1), (1 - height) * (2 * place[:, 1] - 1)
    sign = torch.where(place[:, 2] < flip_probability, -1.0, 1.0)
    zero = torch.zeros(count)
    theta = torch.stack(
        [
            torch.stack([sign * width, zero, centre_x], dim=1),
            torch.stack([zero, height, centre_y], dim=1),
        ],
        dim=1,
    )
    return _resample(images, theta, size)


def _flip(images: Tensor, flipped: Tensor) -> Tensor:
    return torch.where(flipped.to(images.device)[:, None, None, None], images.flip(-1), images)


def _resample(images: Tensor, theta: Tensor, size: int) -> Tensor:
    shape = [len(images), images.shape[1], size, size]
    grid = functional.affine_grid(theta.to(images), shape, align_corners=False)
    return functional.grid_sample(
        images, grid, mode="bilinear", padding_mode="zeros", align_corners=False
    )
