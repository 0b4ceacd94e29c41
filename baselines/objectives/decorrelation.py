"""The text regulariser of Med-UniC: two readings of a report agree, number by number.

Wan et al., NeurIPS 2023. A plain Barlow-Twins-like loss (Zbontar et al., ICML 2021) without
negatives, once between the features of a batch and once between its reports. Constants are those
of the official code (SUSTechBruce/Med-UniC).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

ALIGNMENTS = ("both", "features", "instances")
OFF_DIAGONAL = 0.0051


def distance_from_identity(correlation: Tensor, off_weight: float = OFF_DIAGONAL) -> Tensor:
    """Sum of (C_ii - 1)^2 plus `off_weight` times the sum of C_ij^2 over i != j.

    Args:
        correlation: (n, n).
        off_weight: Of the numbers beside the diagonal.
    """
    diagonal = correlation.diagonal()
    beside = correlation.square().sum() - diagonal.square().sum()
    return (diagonal - 1).square().sum() + off_weight * beside


def feature_alignment(first: Tensor, second: Tensor) -> Tensor:
    """Feature i of one reading correlates with feature i of the other, and with no other.

    Args:
        first: (B, D), each feature of mean 0 and variance 1 over the batch.
        second: (B, D), another reading of the same reports.
    """
    samples, width = first.shape
    return distance_from_identity(first.T @ second / samples) / (4 * width)


def instance_alignment(first: Tensor, second: Tensor) -> Tensor:
    """Report i of one reading is like report i of the other, and like no other.

    The products are over the features but divided by the batch, as in the official code.

    Args:
        first: (B, D).
        second: (B, D).
    """
    samples = len(first)
    return distance_from_identity(first @ second.T / samples) / (200 * samples)


def text_alignment(first: Tensor, second: Tensor, form: str = "both") -> Tensor:
    """The sum of both alignments (`both`), or one: `features`, `instances`.

    Args:
        first: (B, D).
        second: (B, D).
        form: Of `ALIGNMENTS`.
    """
    if form == "features":
        return feature_alignment(first, second)
    if form == "instances":
        return instance_alignment(first, second)
    return feature_alignment(first, second) + instance_alignment(first, second)
