"""Layers in which a text and an image attend to each other, as in M3AE."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def _layer(width: int, heads: int, dropout: float) -> nn.TransformerDecoderLayer:
    """Self-attention, attention to the other side, two linear layers; LayerNorm after each.

    That is BERT's layer with cross-attention; nothing is causal without a mask.
    """
    return nn.TransformerDecoderLayer(
        width,
        heads,
        dim_feedforward=4 * width,
        dropout=dropout,
        activation="gelu",
        layer_norm_eps=1e-12,
        batch_first=True,
    )


class Fusion(nn.Module):
    """Projections to one width, an embedding of each modality, and layers in both directions.

    Args:
        width: Of the image tokens and of all that follows.
        text_width: Of the text tokens.
        depth: Layers a side.
        heads: Of each attention.
        dropout: In the layers.
    """

    def __init__(self, width: int, text_width: int, depth: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.text_projection = nn.Linear(text_width, width)
        self.image_projection = nn.Linear(width, width)
        self.modalities = nn.Embedding(2, width)
        self.text_layers = nn.ModuleList(_layer(width, heads, dropout) for _ in range(depth))
        self.image_layers = nn.ModuleList(_layer(width, heads, dropout) for _ in range(depth))

    def forward(
        self, text: Tensor, attention: Tensor, image: Tensor, depth: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """Fused tokens of text and image.

        Both sides of a layer read what the other was before it.

        Args:
            text: (B, L, text_width).
            attention: (B, L), 0 = padding.
            image: (B, n, width), CLS and any set of patches.
            depth: Layers to pass; None = all.

        Returns:
            (B, L, width) and (B, n, width).
        """
        absent = attention == 0
        x = self.text_projection(text) + self.modalities.weight[0]
        y = self.image_projection(image) + self.modalities.weight[1]
        layers = list(zip(self.text_layers, self.image_layers))[:depth]
        for text_layer, image_layer in layers:
            x, y = (
                text_layer(x, y, tgt_key_padding_mask=absent),
                image_layer(y, x, memory_key_padding_mask=absent),
            )
        return x, y


class FusedPooler(nn.Module):
    """(B, 2 * width): a linear layer and tanh on the first token of each side, text first."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.text = nn.Linear(width, width)
        self.image = nn.Linear(width, width)

    def forward(self, text: Tensor, image: Tensor) -> Tensor:
        """From fused tokens (B, L, width) and (B, n, width)."""
        pooled = [self.text(text[:, 0]), self.image(image[:, 0])]
        return torch.tanh(torch.cat(pooled, dim=1))
