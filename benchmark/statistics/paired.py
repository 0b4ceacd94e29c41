"""Paired comparison of two predictors on the same patients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchmark.errors import BadDataError
from benchmark.metrics.ranked_auc import bootstrap_auc
from benchmark.metrics.ranking import rank_auc
from benchmark.seeds import generator_from
from benchmark.statistics.bootstrap import LEVEL, PatientBootstrap, percentile_interval

Verdict = Literal["higher", "lower", "unresolved"]
DETECTABLE_STANDARD_ERRORS = 1.96


@dataclass(frozen=True)
class PairedDifference:
    """Difference first minus second.

    Attributes:
        difference: None where undefined; `why` then says the reason.
        interval: 95 % percentile interval of the patient bootstrap.
        p_value: Two-sided, of no difference.
        standard_error: Standard deviation of the bootstrap replicates.
        smallest_detectable: 1.96 standard errors: the smallest difference that a 95 % interval of
            this width can tell from zero (at half power; 80 % power takes 2.8).
        verdict: `unresolved` where the difference is below `smallest_detectable`.
        n: Samples (or classes, for an AUC) that entered.
        patients: Patients that entered.
    """

    difference: float | None
    interval: tuple[float, float] | None = None
    p_value: float | None = None
    standard_error: float | None = None
    smallest_detectable: float | None = None
    verdict: Verdict = "unresolved"
    n: int = 0
    patients: int = 0
    why: str = ""


def paired_difference(
    first: np.ndarray, second: np.ndarray, patients: np.ndarray, seed: int, replicates: int = 1000
) -> PairedDifference:
    """Mean difference of two per-sample arrays (n,) over the same samples.

    The interval is a bootstrap by patient. The p-value flips the sign of all differences of a
    patient at once, which keeps the samples of a patient together. A sample that is undefined
    (NaN) in either array is left out.
    """
    if not len(first) == len(second) == len(patients):
        raise BadDataError(
            f"A paired comparison needs the same samples: {len(first)} and {len(second)} values, "
            f"{len(patients)} patients."
        )
    gain = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    known = np.isfinite(gain)
    gain, kept = gain[known], np.asarray(patients)[known]
    if len(np.unique(kept)) < 2:
        return PairedDifference(None, n=len(gain), why="fewer than two patients are defined")
    bootstrap = PatientBootstrap.draw(kept, replicates, seed)
    sums = np.bincount(bootstrap.codes, weights=gain, minlength=bootstrap.patients)
    p_value = _sign_flip_p_value(sums, seed, replicates)
    return _result(float(gain.mean()), bootstrap.means(gain), p_value, len(gain), bootstrap)


def paired_auc_difference(
    truth: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    patients: np.ndarray,
    seed: int,
    replicates: int = 1000,
) -> PairedDifference:
    """Difference of the mean AUC over classes, both computed in the same patient replicates.

    Args:
        truth: (n, k) 0, 1, or NaN for unknown.
        first: (n, k) scores of the first predictor.
        second: (n, k) scores of the second.
        patients: (n,).
        seed: The bootstrap axis.
        replicates: Of the bootstrap. The p-value is twice the smaller share of replicates on one
            side of zero, with one added to both counts.
    """
    if not np.shape(truth) == np.shape(first) == np.shape(second):
        raise BadDataError("A paired comparison needs truth and scores of one shape (n, k).")
    bootstrap = PatientBootstrap.draw(patients, replicates, seed)
    gains, replicate_gains = [], []
    for column in range(np.shape(truth)[1]):
        labels = truth[:, column]
        gain = rank_auc(labels, first[:, column]) - rank_auc(labels, second[:, column])
        if np.isnan(gain):
            continue
        gains.append(float(gain))
        replicate_gains.append(
            bootstrap_auc(labels, first[:, column], bootstrap)
            - bootstrap_auc(labels, second[:, column], bootstrap)
        )
    if not gains:
        return PairedDifference(None, why="no class has both positive and negative cases")
    drawn = np.mean(replicate_gains, axis=0)
    defined = drawn[np.isfinite(drawn)]
    below, above = int(np.sum(defined <= 0)), int(np.sum(defined >= 0))
    p_value = min(1.0, 2 * (1 + min(below, above)) / (1 + len(defined))) if len(defined) else None
    return _result(float(np.mean(gains)), drawn, p_value, len(gains), bootstrap)


def _sign_flip_p_value(patient_sums: np.ndarray, seed: int, replicates: int) -> float:
    """Share of sign flips by patient whose total is at least as far from zero as the observed."""
    generator = generator_from("sign_flip", seed)
    observed = abs(patient_sums.sum())
    rounding = 1e-12 * max(1.0, float(np.abs(patient_sums).sum()))
    extreme = 0
    for _ in range(replicates):
        signs = generator.integers(0, 2, size=len(patient_sums)) * 2 - 1
        extreme += abs(float(signs @ patient_sums)) >= observed - rounding
    return (1 + extreme) / (1 + replicates)


def _result(
    difference: float,
    drawn: np.ndarray,
    p_value: float | None,
    n: int,
    bootstrap: PatientBootstrap,
) -> PairedDifference:
    interval = percentile_interval(drawn, LEVEL)
    if interval.bounds is None:
        return PairedDifference(
            difference, p_value=None, n=n, patients=bootstrap.patients, why=interval.why
        )
    error = float(np.nanstd(drawn, ddof=1))
    detectable = DETECTABLE_STANDARD_ERRORS * error
    verdict: Verdict = "unresolved"
    if abs(difference) > 0 and abs(difference) >= detectable:
        verdict = "higher" if difference > 0 else "lower"
    return PairedDifference(
        difference, interval.bounds, p_value, error, detectable, verdict, n, bootstrap.patients
    )
