"""Feature pyramids: maps of doubling strides from whatever maps an encoder gives."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from timm.layers.norm import LayerNorm2d
from torch import Tensor, nn
from torch.nn import functional

from benchmark.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


class SimpleFeaturePyramid(nn.Module):
    """Several scales from the last map of a plain transformer (ViTDet, Li et al., ECCV 2022).

    Scale 4 is made by two transposed convolutions of stride 2 with a norm and GELU between them,
    2 by one, 1 is the map itself, 0.5 a max pooling; a 1 x 1 and a 3 x 3 convolution follow, each
    with a norm over the channels.

    Args:
        channels: Of the map.
        stride: Of the map, input pixels a cell.
        scales: Powers of two, the finest first.
        width: Channels of every level.

    Raises:
        UsageError: The scales are not halving powers of two, or finer than the map's pixels.
    """

    def __init__(self, channels: int, stride: int, scales: Sequence[float], width: int) -> None:
        super().__init__()
        ratios = [first / second for first, second in pairwise(scales)]
        if not scales or any(ratio != 2 for ratio in ratios) or math.log2(scales[0]) % 1:
            raise UsageError(
                f"`pyramid_scales` is {list(scales)}; it must be powers of two, each half of the "
                "one before it, such as [4, 2, 1, 0.5]."
            )
        if scales[0] > stride:
            raise UsageError(f"A map of stride {stride} cannot be enlarged {scales[0]:g} times.")
        self.strides = tuple(int(stride / scale) for scale in scales)
        self.channels = (width,) * len(scales)
        self.levels = nn.ModuleList(_level(channels, scale, width) for scale in scales)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """The last of `maps` at every scale."""
        return [level(maps[-1]) for level in self.levels]


def _level(channels: int, scale: float, width: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    steps = round(math.log2(scale))
    for step in range(steps):
        if step:
            layers += [LayerNorm2d(channels), nn.GELU()]
        halved = max(1, channels // 2)
        layers.append(nn.ConvTranspose2d(channels, halved, kernel_size=2, stride=2))
        channels = halved
    layers += [nn.MaxPool2d(kernel_size=2, stride=2) for _ in range(-steps)]
    layers += [nn.Conv2d(channels, width, kernel_size=1, bias=False), LayerNorm2d(width)]
    layers += [nn.Conv2d(width, width, kernel_size=3, padding=1, bias=False), LayerNorm2d(width)]
    return nn.Sequential(*layers)


class DoublingStrides(nn.Module):
    """The stages of an encoder with every stride twice the one before it, by max pooling.

    A ResNet whose last stages keep their resolution (dilation) is brought to the shape that
    pyramids expect; an ordinary one passes as it is.

    Args:
        channels: Of each stage.
        strides: Of each stage, the finest first.

    Raises:
        UsageError: A stage is coarser than twice the one before it.
    """

    def __init__(self, channels: Sequence[int], strides: Sequence[int]) -> None:
        super().__init__()
        self.channels = tuple(channels)
        self.strides = tuple(strides[0] * 2**place for place in range(len(strides)))
        if any(wanted % given for wanted, given in zip(self.strides, strides, strict=True)):
            raise UsageError(
                f"Stages of strides {list(strides)} cannot be pooled to doubling ones."
            )
        self.factors = tuple(
            wanted // given for wanted, given in zip(self.strides, strides, strict=True)
        )

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """The maps, pooled where needed."""
        return [
            functional.max_pool2d(one, factor) if factor > 1 else one
            for one, factor in zip(maps, self.factors, strict=True)
        ]


def is_plain(strides: Sequence[int]) -> bool:
    """Whether an encoder gives maps of one resolution only, as a plain transformer does."""
    return len(set(strides)) == 1
