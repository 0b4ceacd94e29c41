"""The vision transformer as a trunk for segmentation and detection.

Windowed attention with a few global blocks follows ViTDet (Li et al., ECCV 2022); taps after
several blocks follow the UPerNet fine-tuning of MAE-like encoders.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from timm.layers import DropPath
from torch import Tensor, nn
from torch.nn import functional

from baselines.encoders.positions import positions_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from baselines.encoders.masked_vit import MaskedAutoencoder


def block_of(twelfths: int, depth: int) -> int:
    """The block of a ViT of any depth that stands where block `twelfths` of 12 does, from 1 on."""
    return max(1, -(-twelfths * depth // 12))


class DenseViT(nn.Module):
    """A copy of the encoder: images (B, 1, H, W) to maps (B, width, H / patch, W / patch).

    A `benchmark.interfaces.DenseTrunk`. One map per tap, all of the same size; no norm follows.
    Without windows the CLS token takes part, as in pre-training; with windows it is left out.

    Args:
        encoder: Whose weights are copied.
        taps: Blocks after which a map is taken, counted in twelfths of the depth.
        drop_path: Stochastic depth, growing linearly over the blocks to this rate.
        window: Side of the attention windows in patches; 0 makes every block global.
        global_blocks: Blocks that attend globally, in twelfths; used where there are windows.
    """

    pos_embed: Tensor

    def __init__(
        self,
        encoder: MaskedAutoencoder,
        taps: Sequence[int],
        drop_path: float = 0.0,
        window: int = 0,
        global_blocks: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.image_channels, self.patch, self.grid = encoder.channels, encoder.patch, encoder.grid
        self.patch_embed = copy.deepcopy(encoder.patch_embed)
        self.cls_token = copy.deepcopy(encoder.cls_token)
        self.register_buffer("pos_embed", encoder.pos_embed.detach().clone())
        self.blocks = copy.deepcopy(encoder.blocks)
        depth = len(self.blocks)
        self.taps = tuple(block_of(tap, depth) for tap in taps)
        self.window = window
        self.global_blocks = frozenset(block_of(block, depth) for block in global_blocks)
        self.channels = (encoder.feature_dim,) * len(self.taps)
        self.strides = (encoder.patch,) * len(self.taps)
        self.layers = depth + 1
        for index, block in enumerate(self.blocks):
            rate = drop_path * index / max(depth - 1, 1)
            if rate > 0:
                block.drop_path1, block.drop_path2 = DropPath(rate), DropPath(rate)
        self.requires_grad_(True)

    def layer_of(self, parameter: str) -> int:
        """0 for the embeddings, i for the i-th block."""
        parts = parameter.split(".")
        return int(parts[1]) + 1 if parts[0] == "blocks" else 0

    def forward(self, images: Tensor) -> list[Tensor]:
        """One map per tap."""
        grid = (images.shape[-2] // self.patch, images.shape[-1] // self.patch)
        tokens = self.patch_embed(images.expand(-1, self.image_channels, -1, -1))
        positions = positions_for(self.pos_embed, self.grid, grid)
        tokens = tokens + positions[:, 1:]
        prefix = 0 if self.window else 1
        if prefix:
            cls = (self.cls_token + positions[:, :1]).expand(len(tokens), -1, -1)
            tokens = torch.cat([cls, tokens], dim=1)
        maps: dict[int, Tensor] = {}
        for number, block in enumerate(self.blocks, start=1):
            if self.window and number not in self.global_blocks:
                tokens = _in_windows(block, tokens, grid, self.window)
            else:
                tokens = block(tokens)
            if number in self.taps:
                maps[number] = tokens[:, prefix:].transpose(1, 2).unflatten(2, grid)
        return [maps[tap] for tap in self.taps]


def _in_windows(block: nn.Module, tokens: Tensor, grid: tuple[int, int], side: int) -> Tensor:
    """`block` with its attention inside windows of `side` x `side` patches.

    The border is zero-padded after the norm, as in ViTDet.
    """
    attended = block.attn(_windows(block.norm1(tokens), grid, side))
    tokens = tokens + block.drop_path1(block.ls1(_joined(attended, grid, side)))
    result: Tensor = tokens + block.drop_path2(block.ls2(block.mlp(block.norm2(tokens))))
    return result


def _windows(tokens: Tensor, grid: tuple[int, int], side: int) -> Tensor:
    """(B, rows * columns, C) to (B * windows, side * side, C)."""
    down, right = -grid[0] % side, -grid[1] % side
    field = functional.pad(tokens.unflatten(1, grid), (0, 0, 0, right, 0, down))
    batch, height, width, features = field.shape
    cut = field.reshape(batch, height // side, side, width // side, side, features)
    return cut.transpose(2, 3).reshape(-1, side * side, features)


def _joined(windows: Tensor, grid: tuple[int, int], side: int) -> Tensor:
    """The inverse of `_windows`, without the padding."""
    down, across = -(-grid[0] // side), -(-grid[1] // side)
    field = windows.reshape(-1, down, across, side, side, windows.shape[-1])
    field = field.transpose(2, 3).reshape(-1, down * side, across * side, windows.shape[-1])
    return field[:, : grid[0], : grid[1]].flatten(1, 2)
