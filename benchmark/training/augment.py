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
    shear_degrees: float = 0.0,
    translation: float = 0.0,
) -> Tensor:
    """Horizontal flip, then rotation, scaling, shear and shift, in one bilinear resampling.

    The pre-training augmentation of MaCo (method sheet: flip, affine of +-20 degrees and scale
    0.8 to 1.2, no translation), and what other methods add. Three numbers a sample are drawn
    whatever the settings are, so that switching one off leaves the others as they were; three
    more where there is shear or translation.

    Args:
        images: (B, 1, H, H).
        generator: CPU generator.
        flip_probability: 0 keeps left and right apart.
        rotation_degrees: Angle uniform in +- this.
        scale: Magnification uniform between these.
        shear_degrees: Angle of the horizontal shear, uniform in +- this.
        translation: Shift along each axis, uniform in +- this share of the side.
    """
    draws = torch.rand(3, len(images), generator=generator)
    flipped = draws[0] < flip_probability
    moved = shear_degrees != 0 or translation != 0
    if rotation_degrees == 0 and scale == (1.0, 1.0) and not moved:
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
    if moved:
        more = 2 * torch.rand(3, len(images), generator=generator) - 1
        shear = torch.tan(more[0] * math.radians(shear_degrees))
        theta = _sheared_and_shifted(theta, shear, 2 * translation * more[1:])
    return _resample(images, theta, images.shape[-1])


def _sheared_and_shifted(theta: Tensor, shear: Tensor, shift: Tensor) -> Tensor:
    """Transforms (B, 2, 3) that first undo a shift (2, B) and a horizontal shear (B,)."""
    linear = theta[:, :, :2]
    undo = torch.eye(2).repeat(len(theta), 1, 1)
    undo[:, 0, 1] = -shear
    linear = linear @ undo
    offset = theta[:, :, 2:] - linear @ shift.T[:, :, None]
    return torch.cat([linear, offset], dim=2)


def brightness_and_contrast(
    images: Tensor,
    generator: torch.Generator,
    *,
    brightness: tuple[float, float] = (1.0, 1.0),
    contrast: tuple[float, float] = (1.0, 1.0),
) -> Tensor:
    """Grey values times a factor, then their distance from the image's mean times another.

    Cut to [0, 1] after each, as torchvision's ColorJitter does (its order, brightness first).

    Args:
        images: (B, 1, H, H) in [0, 1].
        generator: CPU generator; two numbers a sample are drawn.
        brightness: Factor uniform between these.
        contrast: Likewise.
    """
    if brightness == contrast == (1.0, 1.0):
        return images
    draws = torch.rand(2, len(images), generator=generator)
    bright = brightness[0] + (brightness[1] - brightness[0]) * draws[0]
    strong = contrast[0] + (contrast[1] - contrast[0]) * draws[1]
    bright, strong = (part.to(images)[:, None, None, None] for part in (bright, strong))
    images = (images * bright).clamp(0, 1)
    mean = images.mean(dim=(2, 3), keepdim=True)
    return (mean + strong * (images - mean)).clamp(0, 1)


def gaussian_blur(images: Tensor, generator: torch.Generator, sigma: tuple[float, float]) -> Tensor:
    """Each image blurred by a Gaussian of its own width, border mirrored.

    Args:
        images: (B, 1, H, H).
        generator: CPU generator; one number a sample is drawn.
        sigma: Standard deviation in per mille of the side, uniform between these; at 224 px the
            papers' 0.1 to 3 pixels are 0.45 to 13.4.
    """
    if sigma == (0.0, 0.0):
        return images
    count, side = len(images), images.shape[-1]
    draws = sigma[0] + (sigma[1] - sigma[0]) * torch.rand(count, generator=generator)
    pixels = (draws * side / 1000).clamp(min=1e-3)
    reach = min(side - 1, max(1, math.ceil(3 * sigma[1] * side / 1000)))
    offsets = torch.arange(-reach, reach + 1, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (offsets / pixels[:, None]) ** 2)
    kernel = (kernel / kernel.sum(dim=1, keepdim=True)).to(images)
    stacked = images.transpose(0, 1)
    for shape, padding in (((1, -1), (reach, reach, 0, 0)), ((-1, 1), (0, 0, reach, reach))):
        weights = kernel.view(count, 1, *shape)
        stacked = functional.conv2d(
            functional.pad(stacked, padding, mode="reflect"), weights, groups=count
        )
    return stacked.transpose(0, 1)


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
