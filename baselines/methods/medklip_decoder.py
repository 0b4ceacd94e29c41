"""A transformer decoder whose queries read the cells of an image."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class QueryLayer(nn.Module):
    """Self-attention of the queries, attention to the image, two linear layers; norms first.

    Names of its parameters are those of DETR's decoder layer (Carion et al., ECCV 2020).
    """

    def __init__(self, width: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.self_attn = nn.MultiheadAttention(width, heads, dropout, batch_first=True)
        self.multihead_attn = nn.MultiheadAttention(width, heads, dropout, batch_first=True)
        self.linear1, self.linear2 = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width) for _ in range(3))
        self.dropout = nn.Dropout(dropout)

    def forward(self, queries: Tensor, image: Tensor) -> tuple[Tensor, Tensor]:
        """Queries (B, E, W) after the layer, and their attention (B, E, N) to cells (B, N, W).

        The attention is the mean of the heads.
        """
        normed = self.norm1(queries)
        own, _ = self.self_attn(normed, normed, normed, need_weights=False)
        queries = queries + self.dropout(own)
        seen, attention = self.multihead_attn(self.norm2(queries), image, image)
        queries = queries + self.dropout(seen)
        hidden = self.dropout(torch.relu(self.linear1(self.norm3(queries))))
        return queries + self.dropout(self.linear2(hidden)), attention


class QueryDecoder(nn.Module):
    """Layers, then a norm; no positions, neither of the queries nor of the cells."""

    def __init__(self, depth: int, width: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList(QueryLayer(width, heads, hidden, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def forward(self, queries: Tensor, image: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Normalised queries (B, E, W), and the attention of each layer, (B, E, N)."""
        maps = []
        for layer in self.layers:
            queries, attention = layer(queries, image)
            maps.append(attention)
        return self.norm(queries), maps
