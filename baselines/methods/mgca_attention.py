"""Attention of MGCA: between words and patches, and of CLS to the patches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from baselines.objectives.mgca import TOKEN_TEMPERATURE, attention_over

if TYPE_CHECKING:
    from torch import Tensor


class CrossAttention(nn.Module):
    """Context of each token from the other side: attention with learned query, key and value.

    Args:
        width: Of both sides' tokens.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)

    def forward(self, tokens: Tensor, others: Tensor, padding: Tensor | None = None) -> Tensor:
        """(B, N, D) contexts of (B, N, D) tokens in (B, M, D) others; `padding` (B, M)."""
        scores = self.query(tokens) @ self.key(others).transpose(1, 2) / tokens.shape[-1] ** 0.5
        contexts: Tensor = attention_over(scores, padding) @ self.value(others)
        return contexts


class PlainAttention(nn.Module):
    """Context of each token from the other side by cosines alone: the official default."""

    def forward(self, tokens: Tensor, others: Tensor, padding: Tensor | None = None) -> Tensor:
        """As `CrossAttention`."""
        scores = tokens @ others.transpose(1, 2) / TOKEN_TEMPERATURE
        return attention_over(scores, padding) @ others


def by_token(head: nn.Sequential, tokens: Tensor) -> Tensor:
    """Apply a head of vectors to (B, N, D): its BatchNorm then runs over all tokens."""
    flat: Tensor = head(tokens.flatten(0, 1))
    return flat.unflatten(0, tokens.shape[:2])


@torch.no_grad()
def first_token_attention(attention: Any, tokens: Tensor) -> Tensor:
    """(B, N) attention of the first of (B, 1 + N, D) tokens to the others, mean over heads.

    Args:
        attention: timm's attention layer.
        tokens: Its input.
    """
    count, length, _ = tokens.shape
    parts = attention.qkv(tokens).reshape(count, length, 3, attention.num_heads, -1)
    query, key, _ = parts.permute(2, 0, 3, 1, 4).unbind(0)
    query, key = attention.q_norm(query[:, :, :1]).float(), attention.k_norm(key).float()
    scores = query @ key.transpose(2, 3) * attention.scale
    return scores.softmax(dim=-1)[:, :, 0, 1:].mean(dim=1)
