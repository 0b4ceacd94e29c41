"""How an outside encoder wants its pixels; it comes with the encoder and is stored with a result.

The task's geometry (padding, cropping to a square) holds for every baseline and comes first. What
the encoder brings follows: resampling to its side, the centre crop of image-level features, mean
and deviation by channel. Patches of grounding and maps of segmentation see the whole image, since
a crop would move the places.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmark.errors import UsageError, unknown_name

INTERPOLATIONS = ("bilinear", "bicubic")
_LARGEST = 2.0
"""Of a mean or deviation of pixels in [0, 1]; with more, those of [0, 255] were meant."""


@dataclass(frozen=True)
class Preprocessing:
    """Of square grey images with values in [0, 1].

    Attributes:
        image_size: Side of the encoder's input in pixels.
        mean: Of each channel; as many as the encoder has channels.
        std: Likewise.
        interpolation: `bilinear` or `bicubic`, with antialiasing where it makes smaller.
        crop_fraction: Side of the centre crop over that of the whole image, for features of the
            whole image; 1 keeps all.
    """

    image_size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: str = "bicubic"
    crop_fraction: float = 1.0

    @property
    def channels(self) -> int:
        """Grey images are repeated as often."""
        return len(self.mean)

    @property
    def whole_size(self) -> int:
        """Side in pixels of the image of which the crop is `image_size`."""
        return round(self.image_size / self.crop_fraction)


def checked(content: Mapping[str, Any], whose: str) -> Preprocessing:
    """The preprocessing that an encoder declares.

    Raises:
        UsageError: A field is unknown, missing or impossible.
    """
    known = [item.name for item in fields(Preprocessing)]
    for name in content:
        if name not in known:
            raise unknown_name(f"field of the preprocessing of {whose}", name, known)
    missing = [name for name in known[:3] if name not in content]
    if missing:
        raise UsageError(
            f"The preprocessing of `{whose}` lacks {', '.join(missing)}.",
            remedy="Write preprocessing = {'image_size': 224, 'mean': [...], 'std': [...]}.",
        )
    try:
        found = Preprocessing(
            int(content["image_size"]),
            tuple(float(value) for value in content["mean"]),
            tuple(float(value) for value in content["std"]),
            str(content.get("interpolation", "bicubic")),
            float(content.get("crop_fraction", 1.0)),
        )
        problem = _problem(found)
    except (TypeError, ValueError, OverflowError):
        problem = "numbers are expected, `mean` and `std` as lists"
    if problem:
        raise UsageError(f"The preprocessing of `{whose}`: {problem}.")
    return found


def _problem(found: Preprocessing) -> str:
    if found.image_size < 1:
        return "`image_size` must be positive"
    if len(found.mean) != len(found.std) or len(found.mean) not in (1, 3):
        return "`mean` and `std` must both have 1 or 3 values"
    if not all(math.isfinite(value) for value in (*found.mean, *found.std)):
        return "`mean` and `std` must be finite"
    if min(found.std) <= 0:
        return "`std` must be positive"
    if max(found.std) > _LARGEST or max(found.mean) > _LARGEST:
        return "`mean` and `std` are of pixels in [0, 1]: divide those of [0, 255] by 255"
    if found.interpolation not in INTERPOLATIONS:
        return f"`interpolation` is one of {', '.join(INTERPOLATIONS)}"
    if not 0 < found.crop_fraction <= 1:
        return "`crop_fraction` must lie in (0, 1]"
    return ""


class Prepare(nn.Module):
    """Images (B, 1, S, S) in [0, 1] to an encoder's input (B, channels, side, side)."""

    mean: Tensor
    std: Tensor

    def __init__(self, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.preprocessing = preprocessing
        for name in ("mean", "std"):
            values = torch.tensor(getattr(preprocessing, name)).view(1, -1, 1, 1)
            self.register_buffer(name, values, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """For features of the whole image: resampled, its centre cut out."""
        side = self.preprocessing.image_size
        whole = self.preprocessing.whole_size
        begin = (whole - side) // 2
        images = self.resampled(images, whole)[..., begin : begin + side, begin : begin + side]
        return self.normalised(images)

    def uncut(self, images: Tensor) -> Tensor:
        """For patches: the whole image at the encoder's side."""
        return self.normalised(self.resampled(images, self.preprocessing.image_size))

    def resampled(self, images: Tensor, side: int) -> Tensor:
        """(B, 1, side, side), within [0, 1]."""
        if images.shape[-2:] == (side, side):
            return images
        mode = self.preprocessing.interpolation
        return functional.interpolate(images, (side, side), mode=mode, antialias=True).clamp(0, 1)

    def normalised(self, images: Tensor) -> Tensor:
        """(B, channels, H, W)."""
        found: Tensor = (images - self.mean) / self.std
        return found
