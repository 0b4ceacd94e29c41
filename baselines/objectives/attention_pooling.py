"""Attention pooling whose map is kept: one query, the mean of the cells, looks at all cells.

The form of CLIP (Radford et al., ICML 2021) with one more linear layer, as G2D has it (Liu et al.,
NeurIPS 2024). The weights that the query gives to the cells are what G2D makes its masks of.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class AttentionPool(nn.Module):
    """A map of cells to one vector, and the attention of each head.

    The paper has heads of a fixed width, 3 of 64; the official code shares the width of the map
    among 4 heads. Both are a choice of `head_width`.

    Args:
        width: Channels of the cells and of the vector.
        heads: Number of heads.
        head_width: Channels of each.
        grid: Rows and columns of the learned positions; a map of another size gets them
            interpolated.
    """

    def __init__(self, width: int, heads: int, head_width: int, grid: tuple[int, int]) -> None:
        super().__init__()
        self.heads, self.head_width, self.grid = heads, head_width, grid
        inner = heads * head_width
        tokens = 1 + grid[0] * grid[1]
        self.positional_embedding = nn.Parameter(torch.randn(tokens, width) / width**0.5)
        self.in_proj = nn.Linear(width, 3 * inner)
        self.out_proj = nn.Linear(inner, width)
        self.c_proj = nn.Linear(width, width)

    def forward(self, cells: Tensor) -> tuple[Tensor, Tensor]:
        """(B, width) vectors and (B, heads, rows, columns) attention on the cells.

        The weight on the mean token is left out of the attention, which therefore sums to less
        than 1.

        Args:
            cells: (B, width, rows, columns).
        """
        count, _, rows, columns = cells.shape
        tokens = cells.flatten(2).transpose(1, 2)
        tokens = torch.cat([tokens.mean(dim=1, keepdim=True), tokens], dim=1)
        tokens = tokens + self.positions(rows, columns)
        inner = self.heads * self.head_width
        weight, bias = self.in_proj.weight, self.in_proj.bias
        query = functional.linear(tokens[:, :1], weight[:inner], bias[:inner])
        keys, values = functional.linear(tokens, weight[inner:], bias[inner:]).chunk(2, dim=2)
        query, keys, values = (
            part.view(count, -1, self.heads, self.head_width).transpose(1, 2)
            for part in (query, keys, values)
        )
        scores = query @ keys.transpose(2, 3) / self.head_width**0.5
        attention = scores.float().softmax(dim=-1)
        joined = (attention.to(values) @ values).transpose(1, 2).reshape(count, inner)
        pooled: Tensor = self.c_proj(self.out_proj(joined))
        return pooled, attention[:, :, 0, 1:].unflatten(2, (rows, columns))

    def positions(self, rows: int, columns: int) -> Tensor:
        """(1 + rows * columns, width) positions, the mean token's first."""
        if (rows, columns) == self.grid:
            return self.positional_embedding
        first, rest = self.positional_embedding[:1], self.positional_embedding[1:]
        maps = rest.T.unflatten(1, self.grid)[None]
        moved = functional.interpolate(maps, (rows, columns), mode="bicubic", align_corners=False)
        return torch.cat([first, moved[0].flatten(1).T])
