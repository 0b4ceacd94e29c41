"""Grey images in the three colours' statistics of ImageNet, for weights that were trained so.

Our images come with one mean and one deviation, ImageNet's averaged over the colours. A published
model that normalised each colour by its own saw three channels that differ by up to 0.4
deviations. The change is part of the first convolution, in front of its padding, so that it holds
wherever the network is used, in copies of it as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Sequence

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's red, green and blue, as torchvision's models are fed."""

GREY_MEAN, GREY_DEVIATION = 0.449, 0.226
"""The averages, which the baselines' image profiles name."""


class ColourConv2d(nn.Conv2d):
    """A convolution of three channels that each come as `(grey - GREY_MEAN) / GREY_DEVIATION`.

    Its state has the names and shapes of `torch.nn.Conv2d`.

    Args:
        values: As `torch.nn.Conv2d` takes them.
        named: Likewise.
    """

    gain: Tensor
    shift: Tensor

    def __init__(self, *values: Any, **named: Any) -> None:
        super().__init__(*values, **named)
        gain, shift = (torch.tensor(part).view(3, 1, 1) for part in _to_colours())
        self.register_buffer("gain", gain, persistent=False)
        self.register_buffer("shift", shift, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """(B, out, rows, columns) from (B, 3, H, W)."""
        return super().forward(images * self.gain + self.shift)


def in_colours(old: nn.Conv2d) -> ColourConv2d:
    """A `ColourConv2d` with the settings and the very parameters of a convolution of 3 channels."""
    new = ColourConv2d(
        old.in_channels,
        old.out_channels,
        old.kernel_size,
        stride=old.stride,
        padding=old.padding,
        bias=old.bias is not None,
        device="meta",
    )
    new.weight, new.bias = old.weight, old.bias
    return new


def _to_colours() -> tuple[Sequence[float], Sequence[float]]:
    gain = [GREY_DEVIATION / deviation for deviation in DEVIATION]
    shift = [
        (GREY_MEAN - mean) / deviation for mean, deviation in zip(MEAN, DEVIATION, strict=True)
    ]
    return gain, shift
