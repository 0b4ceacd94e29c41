"""Variance of an AUC after DeLong, by patient, and what follows: an interval and a paired test.

An AUC is the mean over pairs of a positive and a negative image, so its variance follows from how
each image's share scatters (DeLong, DeLong and Clarke-Pearson, Biometrics 44, 1988). Images of one
patient are not independent; their shares are summed before they scatter (Obuchowski, Biometrics
53, 1997). With one image a patient both are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm, rankdata, t

from benchmark.errors import BadDataError
from benchmark.statistics.bootstrap import LEVEL

if TYPE_CHECKING:
    from collections.abc import Sequence

SIDES = ("positive", "negative")


@dataclass(frozen=True)
class AucCovariance:
    """AUC of k predictors on the same samples.

    Attributes:
        auc: (k,), in the order given.
        covariance: (k, k) of the estimates.
    """

    auc: np.ndarray
    covariance: np.ndarray


@dataclass(frozen=True)
class DeLongInterval:
    """An interval of one AUC, or the reason why there is none."""

    bounds: tuple[float, float] | None
    why: str = ""


@dataclass(frozen=True)
class DeLongTest:
    """Two predictors on the same samples, first minus second.

    Attributes:
        difference: Of the AUCs.
        interval: At `LEVEL`, of a normal distribution.
        p_value: Two-sided, of no difference; None where nothing scatters.
        standard_error: Of the difference.
    """

    difference: float
    interval: tuple[float, float]
    p_value: float | None
    standard_error: float


def patients_by_side(truth: np.ndarray, patients: np.ndarray) -> tuple[int, int]:
    """How many patients have a positive case, and how many a negative one."""
    labels, names = np.asarray(truth), np.asarray(patients)
    positive, negative = (len(np.unique(names[labels == value])) for value in (1, 0))
    return positive, negative


def why_no_variance(truth: np.ndarray, patients: np.ndarray) -> str:
    """Why the variance is undefined, or an empty string: it takes two patients on each side."""
    for count, kind in zip(patients_by_side(truth, patients), SIDES, strict=True):
        if count < 2:
            return f"fewer than two patients with a {kind} case"
    return ""


def auc_covariance(
    truth: np.ndarray, scores: Sequence[np.ndarray], patients: np.ndarray
) -> AucCovariance:
    """AUC of every predictor and their covariance.

    Args:
        truth: (n,) 1 or 0; anything else is unknown and left out.
        scores: k arrays (n,); a tie counts half.
        patients: (n,) name of each sample's patient.

    Raises:
        BadDataError: Lengths differ, or `why_no_variance` has a reason.
    """
    labels, names = np.asarray(truth), np.asarray(patients)
    if any(np.shape(one) != labels.shape for one in (*scores, names)):
        raise BadDataError("DeLong's variance needs truth, scores and patients of one length.")
    why = why_no_variance(labels, names)
    if why:
        raise BadDataError(f"DeLong's variance is undefined: {why}.")
    positive, negative = labels == 1, labels == 0
    # (k, positives) and (k, negatives): each image's share of the AUC.
    shares = [shares_of_auc(np.asarray(one)[positive], np.asarray(one)[negative]) for one in scores]
    of_positives = np.stack([pair[0] for pair in shares])
    of_negatives = np.stack([pair[1] for pair in shares])
    auc = of_positives.mean(axis=1)
    known, codes = np.unique(names[positive | negative], return_inverse=True)
    place = np.zeros(len(labels), dtype=int)
    place[positive | negative] = codes
    ups = _by_patient(of_positives - auc[:, None], place[positive], len(known))
    downs = _by_patient(of_negatives - auc[:, None], place[negative], len(known))
    m, n = int(positive.sum()), int(negative.sum())
    cross = _correction(len(known)) * ups @ downs.T
    covariance = (
        _correction(len(np.unique(place[positive]))) * ups @ ups.T / m**2
        + _correction(len(np.unique(place[negative]))) * downs @ downs.T / n**2
        + (cross + cross.T) / (m * n)
    )
    return AucCovariance(auc, covariance)


def shares_of_auc(ups: np.ndarray, downs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each positive, the part of negatives below it; of each negative, that of positives above.

    From ranks (Sun and Xu, IEEE Signal Processing Letters 21, 2014); a tie counts half.
    """
    together = rankdata(np.concatenate([ups, downs]))
    below = (together[: len(ups)] - rankdata(ups)) / len(downs)
    above = 1 - (together[len(ups) :] - rankdata(downs)) / len(ups)
    return below, above


def _by_patient(shares: np.ndarray, places: np.ndarray, patients: int) -> np.ndarray:
    """(k, n) deviations as sums over each patient's images, (k, patients)."""
    return np.stack([np.bincount(places, weights=row, minlength=patients) for row in shares])


def _correction(patients: int) -> float:
    return patients / (patients - 1)


def delong_interval(
    truth: np.ndarray, scores: np.ndarray, patients: np.ndarray, level: float = LEVEL
) -> DeLongInterval:
    """Interval of one AUC, symmetric on the logit scale, so that it stays within (0, 1).

    Its width is Student's, with one degree less than there are patients on the smaller side: few
    positives make the estimated variance itself uncertain, and a normal quantile then covers too
    little. With 10 patients on a side it covers 90 to 95 %, by the AUC (docs/statistics.md).

    Undefined with fewer than two patients on a side, and for an AUC of exactly 0 or 1, whose
    estimated variance says nothing.
    """
    why = why_no_variance(truth, patients)
    if why:
        return DeLongInterval(None, why)
    found = auc_covariance(truth, [scores], patients)
    auc, variance = float(found.auc[0]), float(found.covariance[0, 0])
    freedom = min(patients_by_side(truth, patients)) - 1
    return logit_interval(auc, float(np.sqrt(max(variance, 0.0))), freedom, level)


def logit_interval(auc: float, error: float, freedom: int, level: float = LEVEL) -> DeLongInterval:
    """Student's interval of an AUC from its standard error, symmetric on the logit scale."""
    if not 0 < auc < 1:
        return DeLongInterval(None, f"every pair is ordered alike: an AUC of {auc:g}")
    half = t.ppf(0.5 + level / 2, freedom) * error / (auc * (1 - auc))
    centre = np.log(auc / (1 - auc))
    low, high = (1 / (1 + np.exp(-(centre + side * half))) for side in (-1, 1))
    return DeLongInterval((float(low), float(high)))


def delong_test(
    truth: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    patients: np.ndarray,
    level: float = LEVEL,
) -> DeLongTest:
    """Difference of two AUCs on the same samples.

    Raises:
        BadDataError: As `auc_covariance`.
    """
    found = auc_covariance(truth, [first, second], patients)
    difference = float(found.auc[0] - found.auc[1])
    contrast = np.array([1.0, -1.0])
    error = float(np.sqrt(max(contrast @ found.covariance @ contrast, 0.0)))
    half = norm.ppf(0.5 + level / 2) * error
    p_value = float(2 * norm.sf(abs(difference) / error)) if error > 0 else None
    return DeLongTest(difference, (difference - half, difference + half), p_value, error)
