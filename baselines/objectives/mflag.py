"""M-FLAG's two losses: alignment of pairs without negatives, and orthogonal image features.

Liu et al., MICCAI 2023. Both keep the vectors apart in their own way: the alignment pulls a pair
together, the other makes the dimensions of the image features as good as uncorrelated.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmark.errors import unknown_name

OFF_DIAGONAL = 0.0051
"""Weight of the pairs of dimensions against the dimensions themselves, in the official code."""

TIMES = {"official": 2.0, "once": 1.0}
"""How often the alignment counts, by the value of the option."""


def alignment_loss(images: Tensor, texts: Tensor, counted: str = "official") -> Tensor:
    """Mean squared distance of the unit vectors of images (B, D) and texts (B, D).

    2 - 2 cos for each pair. The official code takes the sum of two directions, which are equal, so
    that the term counts twice.

    Args:
        images: Any length.
        texts: Row i belongs to image i.
        counted: `official` (4 - 4 cos) or `once` (2 - 2 cos).
    """
    if counted not in TIMES:
        raise unknown_name("value of option `alignment`", counted, TIMES)
    cosines = nn.functional.cosine_similarity(images.float(), texts.float(), dim=1)
    return TIMES[counted] * (2 - 2 * cosines).mean()


def orthogonality_loss(
    features: Tensor, off_diagonal: float = OFF_DIAGONAL, nominal_batch: int = 0
) -> Tensor:
    """How far the second moments of pooled image features (B, D) are from the unit matrix.

    With C = X^T X / B: half of the sum of (C_ii - 1)^2 and of `off_diagonal` times the squares of
    the other entries. X is neither centred nor normalised. In float32: the squares of 16-bit
    numbers overflow.

    Args:
        features: (B, D).
        off_diagonal: Weight of the entries beside the diagonal.
        nominal_batch: B, where it is to be another number than that of the rows: the official
            code divides by the configured batch. 0 takes the rows.
    """
    rows = features.float()
    with torch.autocast(rows.device.type, enabled=False):
        moments = rows.T @ rows / (nominal_batch or len(rows))
        diagonal = moments.diagonal()
        beside = moments.square().sum() - diagonal.square().sum()
        return ((diagonal - 1).square().sum() + off_diagonal * beside) / 2
