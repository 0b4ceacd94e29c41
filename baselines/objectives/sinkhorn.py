"""Balanced soft assignment of samples to prototypes by Sinkhorn's iterations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


@torch.no_grad()
def sinkhorn_codes(scores: Tensor, epsilon: float = 0.05, iterations: int = 3) -> Tensor:
    """Soft assignments in which every prototype is used about equally often.

    Sinkhorn's iterations as SwAV (Caron et al., NeurIPS 2020, section 3.1) and MGCA use them. There
    is no gradient: a code is the target of the other side.

    Args:
        scores: (B, K) products of samples with prototypes; all samples of all processes, since
            the balance is one of the whole batch.
        epsilon: Smoothness; a small one gives codes near to one-hot.
        iterations: Rounds of making prototypes, then samples, equally heavy.

    Returns:
        (B, K), each row summing to 1.
    """
    # Logarithms, where neither a large score overflows nor an unused prototype divides by zero.
    # Constant factors (the number of prototypes, of samples) cancel in the last round.
    codes = scores.float() / epsilon
    for _ in range(iterations):
        codes = codes - codes.logsumexp(dim=0, keepdim=True)
        codes = codes - codes.logsumexp(dim=1, keepdim=True)
    return codes.softmax(dim=1)
