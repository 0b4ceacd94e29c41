"""The two losses of MedKLIP (Wu et al., ICCV 2023): is an entity there, and where.

Shapes do not depend on how many entities a batch names, and a batch without any gives 0.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

IGNORED = -100


def existence_loss(logits: Tensor, states: Tensor) -> Tensor:
    """Mean cross-entropy over the entities that a report calls absent or present.

    Args:
        logits: (B, E, 2), absent and present.
        states: (B, E): 0 absent, 1 present; others (not named, uncertain) are left out.
    """
    known = (states == 0) | (states == 1)
    targets = torch.where(known, states, IGNORED).flatten().long()
    return _mean_cross_entropy(logits.flatten(0, 1), targets)


def location_loss(scores: Tensor, candidates: Tensor, located: Tensor) -> Tensor:
    """Mean cross-entropy of the right place against some wrong ones.

    Args:
        scores: (B, E, L) dot products of what an entity asks for with the vectors of L places,
            not normalised and without temperature.
        candidates: (B, E, 1 + K) places, the right one first.
        located: (B, E) bool: the entity is present and its place is known.
    """
    chosen = scores.gather(2, candidates).flatten(0, 1)
    return _mean_cross_entropy(chosen, torch.where(located, 0, IGNORED).flatten())


def place_candidates(
    places: Tensor, count: int, negatives: int, generator: torch.Generator
) -> Tensor:
    """(B, E, 1 + K): the right place, then others drawn without repetition.

    Args:
        places: (B, E) on the CPU; where it is negative the row means nothing.
        count: Places there are.
        negatives: K; fewer where there are not so many others.
        generator: CPU generator.
    """
    right = places.clamp(min=0)[:, :, None]
    noise = torch.rand(*places.shape, count, generator=generator)
    order = noise.scatter(2, right, -1.0).argsort(dim=2)
    return order[:, :, : 1 + min(negatives, count - 1)]


def _mean_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    total = nn.functional.cross_entropy(
        logits.float(), targets, ignore_index=IGNORED, reduction="sum"
    )
    return total / (targets != IGNORED).sum().clamp(min=1)
