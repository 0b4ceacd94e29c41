"""Fixed two-dimensional sin-cos position tables, in MAE's form and in MaCo's."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor

from benchmark.errors import UsageError

Formula = Literal["odd", "mae"]


def sincos_table(width: int, grid: tuple[int, int], formula: Formula) -> Tensor:
    """The table that is added to the patch tokens.

    The first half of the channels encodes the column, the second the row; each half holds sines,
    then cosines. Channel i of D = width / 2 has the frequency 10000^-(i / (D/2)) in `mae`
    (facebookresearch/mae) and 10000^-(i / D / 2), read from left to right, in `odd` (the official
    code of MRM and MaCo).

    Args:
        width: Channels, a multiple of 4.
        grid: Rows and columns of patches.
        formula: `odd` or `mae`.

    Returns:
        (1, 1 + rows * columns, width) float32; row 0 belongs to the CLS token and is zero.
    """
    if width % 4:
        raise UsageError(f"Sin-cos positions need a width that 4 divides, not {width}.")
    rows, columns = np.meshgrid(np.arange(grid[0]), np.arange(grid[1]), indexing="ij")
    halves = [_axis_table(axis.ravel(), width // 2, formula) for axis in (columns, rows)]
    table = np.concatenate([np.zeros((1, width)), np.concatenate(halves, axis=1)])
    return torch.tensor(table[None], dtype=torch.float32)


def _axis_table(coordinates: np.ndarray, width: int, formula: Formula) -> np.ndarray:
    index = np.arange(width // 2, dtype=np.float64)
    exponent = index / (width / 2) if formula == "mae" else index / width / 2
    angle = np.outer(coordinates, 10000.0**-exponent)
    return np.concatenate([np.sin(angle), np.cos(angle)], axis=1)


def positions_for(table: Tensor, old: tuple[int, int], new: tuple[int, int]) -> Tensor:
    """The (1, 1 + N, D) table for another grid, by bicubic interpolation; CLS stays as it is."""
    if old == new:
        return table
    from timm.layers import resample_abs_pos_embed

    resampled: Tensor = resample_abs_pos_embed(
        table, new_size=list(new), old_size=list(old), num_prefix_tokens=1
    )
    return resampled
