"""LoVT's local losses: each region or sentence against its own cross-attended counterpart.

Müller et al., "Joint Learning of Localized Representations from Medical Images and Reports",
ECCV 2022, and its code (philip-mueller/lovt). All negatives come from the same sample. The global
loss is ConVIRT's.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional


@lru_cache(maxsize=8)
def region_targets(rows: int, columns: int, threshold: float = 0.5, rate: float = 1.0) -> Tensor:
    """(N, N) positive weights of regions for each other, rows of sum 1, on the CPU.

    Falls exponentially with the distance, which is in parts of the grid's diagonal.

    Args:
        rows: Of the grid; N = rows * columns, in row-major order.
        columns: Of the grid.
        threshold: Regions farther away than this are no positives.
        rate: Of the exponential; 0 makes all positives alike.
    """
    cells = torch.cartesian_prod(torch.arange(float(rows)), torch.arange(float(columns)))
    places = cells.view(-1, 2) / math.hypot(rows, columns)
    distances = (places[:, None] - places[None]).square().sum(dim=2).sqrt()
    weights = torch.exp(-rate * distances) * (distances <= threshold)
    return weights / weights.sum(dim=1, keepdim=True)


def sentence_targets(count: int) -> Tensor:
    """(count, count) identity: a sentence's only positive is itself."""
    return torch.eye(count)


def local_losses(
    vectors: Tensor,
    attended: Tensor,
    targets: Tensor,
    present: Tensor,
    weights: Tensor,
    temperature: float = 0.3,
) -> tuple[Tensor, Tensor]:
    """Cross-entropy of soft positives, from vectors to their counterparts and back.

    Args:
        vectors: (B, N, D) projected regions or sentences.
        attended: (B, N, D) what each of them found on the other side.
        targets: (N, N) positive weights.
        present: (B, N) bool, False = padding, which is neither positive nor negative nor counted.
        weights: (B, N) importance of each vector, made to sum to 1 over a sample here.
        temperature: Divides the cosines.
    """
    real = present.to(vectors.dtype)
    weights = weights * real
    weights = weights / weights.sum(dim=1, keepdim=True)
    targets = targets * real[:, None, :]
    targets = targets / targets.sum(dim=2, keepdim=True).clamp_min(1e-12)
    cosines = functional.normalize(vectors, dim=2) @ functional.normalize(
        attended, dim=2
    ).transpose(1, 2)
    found = []
    for scores in (cosines / temperature, cosines.transpose(1, 2) / temperature):
        positive = (targets * scores).sum(dim=2)
        everything = scores.masked_fill(~present[:, None, :], -torch.inf).logsumexp(dim=2)
        found.append((weights * (everything - positive)).sum(dim=1).mean())
    return found[0], found[1]
