"""G2D's projection of report states, whose batch statistics run over all word pieces."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class TextProjection(nn.Module):
    """Linear, BatchNorm without affine, ReLU, Linear on every position; the first is given out.

    The convolutions of width 1 of the official code are linear layers. Only the statistics of a
    training batch depend on positions other than the first, so that the rest of the work is done
    for that one alone.

    Args:
        width: Of the states.
        out: Of the vectors.
    """

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.first = nn.Linear(width, out, bias=False)
        self.norm = nn.BatchNorm1d(out, affine=False)
        self.second = nn.Linear(out, out, bias=False)

    def forward(self, states: Tensor, counted: Tensor | None = None) -> Tensor:
        """(T, out) vectors of the states at position 0.

        Args:
            states: (T, L, width).
            counted: (T, L), nonzero where a position enters the statistics; None for all.
        """
        if not self.training:
            hidden = self.norm(self.first(states[:, 0]))
        elif counted is None:
            rows = self.norm(self.first(states).flatten(0, 1))
            hidden = rows.unflatten(0, states.shape[:2])[:, 0]
        else:
            kept = counted.bool()
            lengths = kept.sum(dim=1)
            rows = self.norm(self.first(states[kept]))
            hidden = rows[torch.cumsum(lengths, dim=0) - lengths]
        vectors: Tensor = self.second(functional.relu(hidden))
        return vectors


def padded(pieces: Tensor, length: int) -> Tensor:
    """(T, length): ids or mask (T, L) with zeros behind."""
    return functional.pad(pieces, (0, length - pieces.shape[1]))
