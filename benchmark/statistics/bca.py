"""BCa interval: percentiles of a bootstrap, moved for bias and for skewness (Efron, JASA 82, 1987).

The plain percentile interval is off where the statistic's spread changes with its value, as for a
CNR or a Dice of few images. BCa needs, besides the replicates, the share of them below the
estimate (bias) and how the estimate reacts to each patient (acceleration).
"""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from benchmark.metrics.ranking import why_undefined
from benchmark.statistics.bootstrap import LEVEL, Interval, percentile_interval
from benchmark.statistics.delong import shares_of_auc


def bca_interval(
    replicates: np.ndarray, estimate: float, influence: np.ndarray, level: float = LEVEL
) -> Interval:
    """Bias-corrected and accelerated interval.

    Args:
        replicates: (r,) the statistic in each resample; NaN is dropped and counted as in
            `percentile_interval`.
        estimate: The statistic of the sample.
        influence: (patients,) how much each patient moves the estimate, up to one factor and
            one constant: `mean_influence`, `auc_influence`, or estimates without each patient in
            turn with their sign changed.
        level: Of coverage.

    Returns:
        The interval; none where `percentile_interval` has none, or where all replicates lie on
        one side of the estimate.
    """
    values = np.asarray(replicates, dtype=np.float64)
    plain = percentile_interval(values, level)
    if plain.bounds is None:
        return plain
    defined = values[np.isfinite(values)]
    below = (np.sum(defined < estimate) + 0.5 * np.sum(defined == estimate)) / len(defined)
    if not 0 < below < 1:
        why = "all bootstrap replicates lie on one side of the estimate"
        return Interval(None, plain.defined, plain.replicates, why)
    bias = norm.ppf(below)
    tails = bias + norm.ppf([(1 - level) / 2, (1 + level) / 2])
    acceleration = _acceleration(np.asarray(influence, dtype=np.float64))
    shares = norm.cdf(bias + tails / (1 - acceleration * tails))
    low, high = np.quantile(defined, shares)
    return Interval((float(low), float(high)), plain.defined, plain.replicates)


def _acceleration(influence: np.ndarray) -> float:
    """A sixth of the skewness of the influence values; 0 where none has any."""
    centred = influence - influence.mean()
    spread = float(np.sum(centred**2)) ** 1.5
    return float(np.sum(centred**3)) / (6 * spread) if spread > 0 else 0.0


def mean_influence(values: np.ndarray, patients: np.ndarray) -> np.ndarray:
    """Influence of each patient on a mean over samples (n,); undefined samples are left out.

    Returns:
        (patients,) in the order of `np.unique`: sums of the deviations from the mean, over the
        number of samples.
    """
    table = np.asarray(values, dtype=np.float64)
    known = np.isfinite(table)
    names, codes = np.unique(np.asarray(patients), return_inverse=True)
    gain = np.where(known, table - table[known].mean(), 0.0)
    return np.bincount(codes.reshape(-1), weights=gain, minlength=len(names)) / int(known.sum())


def auc_influence(truth: np.ndarray, scores: np.ndarray, patients: np.ndarray) -> np.ndarray:
    """Influence of each patient on a mean AUC over classes.

    Args:
        truth: (n, k) 1, 0, or anything else for unknown.
        scores: (n, k).
        patients: (n,).

    Returns:
        (patients,) in the order of `np.unique`; classes without both sides are left out.
    """
    names, codes = np.unique(np.asarray(patients), return_inverse=True)
    total = np.zeros(len(names))
    classes = 0
    for labels, values in zip(np.asarray(truth).T, np.asarray(scores).T, strict=True):
        if why_undefined(labels):
            continue
        classes += 1
        of_positives, of_negatives = shares_of_auc(values[labels == 1], values[labels == 0])
        auc = of_positives.mean()
        for side, shares in ((labels == 1, of_positives), (labels == 0, of_negatives)):
            weights = (shares - auc) / len(shares)
            total += np.bincount(codes.reshape(-1)[side], weights=weights, minlength=len(names))
    return total / max(classes, 1)
