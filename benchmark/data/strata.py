"""A stratified order of patients that depends on their names, labels and a seed, not on rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmark.seeds import seed_from

if TYPE_CHECKING:
    from collections.abc import Sequence


_GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True)
class RankedPatients:
    """Patients, and each one's place in [0, 1).

    Any interval of quantiles holds about the same share of every stratum.
    """

    patients: list[str]
    quantiles: np.ndarray


def patient_order(
    patients: np.ndarray, labels: np.ndarray, axes: Sequence[object], cover: bool = False
) -> RankedPatients:
    """Rank patients so that every prefix and every interval is stratified.

    A patient's stratum is the rarest class (counted in patients) of which one of its images is
    positive; ties go to the first column. Within a stratum the order is that of a hash.

    Args:
        patients: (n,) name of each row's patient.
        labels: (n, k) 1 positive, anything else is not.
        axes: Seed axes.
        cover: Bring to the front, first of all, a few patients who together hold a positive and
            a negative of every class.

    Returns:
        Distinct patients in the order of their quantiles (`cover` moves some to the front,
        their quantiles move with them).
    """
    names, owner = np.unique(patients.astype(str), return_inverse=True)
    classes = labels.shape[1]
    positive = np.zeros((len(names), classes), dtype=bool)
    negative = np.zeros((len(names), classes), dtype=bool)
    np.logical_or.at(positive, owner, labels == 1)
    np.logical_or.at(negative, owner, labels == 0)
    draws = np.array([seed_from(*axes, name) for name in names], dtype=np.int64)
    quantiles = _quantiles(_rarest(positive), draws, axes)
    order = np.lexsort((draws, quantiles))
    if cover:
        front = _covering(np.concatenate([positive, negative], axis=1), order)
        order = np.concatenate([front, order[~np.isin(order, front)]]).astype(np.int64)
    return RankedPatients([str(names[item]) for item in order], quantiles[order])


def _rarest(positive: np.ndarray) -> np.ndarray:
    """Column of each patient's rarest positive class; the number of columns where it has none."""
    counts = positive.sum(axis=0)
    by_rarity = np.argsort(counts, kind="stable")
    stratum = np.full(len(positive), positive.shape[1])
    for column in by_rarity[::-1]:
        stratum[positive[:, column]] = column
    return stratum


def _quantiles(stratum: np.ndarray, draws: np.ndarray, axes: Sequence[object]) -> np.ndarray:
    """Places in [0, 1), spread evenly over every stratum and over all patients at once.

    Patients stand in line by stratum, then by hash, and take the points of a Kronecker sequence
    (multiples of the golden ratio, modulo 1) from a start that is a hash too: every run of its
    points is nearly uniform, so that even strata of two patients leave the totals right.
    """
    result = np.zeros(len(stratum))
    start = seed_from(*axes, "start") / 2.0**63
    result[np.lexsort((draws, stratum))] = (start + np.arange(len(stratum)) * _GOLDEN) % 1.0
    return result


def _covering(holds: np.ndarray, order: np.ndarray) -> list[int]:
    """Few patients (greedily) who together hold every column that anyone holds."""
    wanted = holds.any(axis=0)
    ordered = holds[order]
    front: list[int] = []
    while wanted.any():
        best = int(np.argmax((ordered & wanted).sum(axis=1)))
        front.append(int(order[best]))
        wanted = wanted & ~ordered[best]
    return front
