"""A convolutional patch embedding for the small sizes.

A small transformer that cuts a few thousand small radiographs into patches by one linear map
learns very slowly from scratch. Convolutions in front of it mend that (Xiao et al., "Early
convolutions help transformers see better", NeurIPS 2021). The real size keeps the official linear
patch embedding.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmark.errors import UsageError

_WIDTH_STEP = 8


class ConvolutionStem(nn.Module):
    """Images (B, C, H, W) to (B, N, width) patch embeddings in row-major order.

    For each factor of two in the patch a 3 x 3 convolution of stride 2 and a residual block of
    two more, then `proj`, 1 x 1. The norm runs over the batch: one inside an image would take
    away how bright it is, which is what a radiograph tells. Under several processes each has its
    own batch statistics, so the small sizes are not for measuring them.

    Args:
        patch: Side of a patch in pixels, a power of two.
        channels: Of the images.
        width: Of the embeddings; the convolutions widen in steps up to it.
    """

    def __init__(self, patch: int, channels: int, width: int) -> None:
        super().__init__()
        steps = patch.bit_length() - 1
        if patch != 1 << steps or steps < 1:
            raise UsageError(f"A convolutional stem needs a patch of 2, 4, 8 ... px, not {patch}.")
        widths = [max(_WIDTH_STEP, width >> (steps - 1 - step)) for step in range(steps)]
        widths = [item - item % _WIDTH_STEP for item in widths]
        layers: list[nn.Module] = []
        for before, after in zip([channels, *widths[:-1]], widths, strict=True):
            layers += [_convolution(before, after, stride=2), nn.GELU(), _Residual(after)]
        # Convolutions on the CPU are a fifth faster in this memory format.
        self.layers = nn.Sequential(*layers).to(memory_format=torch.channels_last)
        self.proj = nn.Conv2d(widths[-1], width, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Patch embeddings."""
        last = images.contiguous(memory_format=torch.channels_last)
        embedded: Tensor = self.proj(self.layers(last))
        return embedded.flatten(2).transpose(1, 2)


class _Residual(nn.Module):
    """Two 3 x 3 convolutions beside the identity (He et al., CVPR 2016)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            _convolution(width, width), nn.GELU(), _convolution(width, width)
        )

    def forward(self, images: Tensor) -> Tensor:
        return nn.functional.gelu(images + self.branch(images))


def _convolution(before: int, after: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(after)
    )


def without_removed(images: Tensor, mask: Tensor, grid: tuple[int, int]) -> Tensor:
    """Images whose removed patches are zero, so that no convolution reaches into them.

    Args:
        images: (B, C, H, W).
        mask: (B, N), 1 = removed, row-major.
        grid: Patches by rows and columns.
    """
    visible = (1 - mask).reshape(-1, 1, *grid).to(images.dtype)
    size = (images.shape[-2] // grid[0], images.shape[-1] // grid[1])
    return images * torch.repeat_interleave(
        torch.repeat_interleave(visible, size[0], dim=2), size[1], dim=3
    )
