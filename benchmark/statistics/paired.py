"""Paired comparison of two predictors on the same patients."""

from __future__ import annotations

import numpy as np

from benchmark.errors import BadDataError
from benchmark.metrics.ranked_auc import bootstrap_auc
from benchmark.metrics.ranking import rank_auc, why_undefined
from benchmark.seeds import generator_from
from benchmark.statistics.bootstrap import PatientBootstrap
from benchmark.statistics.carriers import carrying_patients
from benchmark.statistics.delong import delong_test, why_no_variance
from benchmark.statistics.difference import (
    PairedDifference,
    Replicated,
    difference_of,
    from_replicates,
    with_error,
)


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
    found = from_replicates(
        float(gain.mean()), bootstrap.means(gain), len(gain), bootstrap.patients
    )
    if found.interval is None:
        return found
    p_value = _sign_flip_p_value(sums, seed, replicates)
    return with_error(found, found.standard_error or 0.0, p_value, "sign flips by patient")


def paired_auc_difference(
    truth: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    patients: np.ndarray,
    seed: int,
    replicates: int = 1000,
) -> PairedDifference:
    """Difference of the mean AUC over classes, both computed in the same patient replicates.

    The p-value is DeLong's where there is one class, else that of a normal distribution with the
    bootstrap's standard error.

    Args:
        truth: (n, k) 0, 1, or NaN for unknown.
        first: (n, k) scores of the first predictor.
        second: (n, k) scores of the second.
        patients: (n,).
        seed: The bootstrap axis.
        replicates: Of the bootstrap.
    """
    if not np.shape(truth) == np.shape(first) == np.shape(second):
        raise BadDataError("A paired comparison needs truth and scores of one shape (n, k).")
    defined = [c for c in range(np.shape(truth)[1]) if not why_undefined(truth[:, c])]
    if not defined:
        return PairedDifference(None, why="no class has both positive and negative cases")
    labels = truth[:, defined]
    kinds = np.concatenate([labels == 1, labels == 0], axis=1)
    bootstrap = PatientBootstrap.draw(patients, replicates, seed, kinds)
    both = [
        Replicated(
            float(np.mean([rank_auc(truth[:, c], scores[:, c]) for c in defined])),
            bootstrap_auc(labels, scores[:, defined], bootstrap).mean(axis=1),
        )
        for scores in (first, second)
    ]
    found = difference_of(both[:1], both[1:], len(defined), carrying_patients(labels, patients))
    if len(defined) > 1 or why_no_variance(labels[:, 0], patients):
        return found
    return with_delong(found, labels[:, 0], first[:, defined[0]], second[:, defined[0]], patients)


def with_delong(
    found: PairedDifference,
    truth: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    patients: np.ndarray,
) -> PairedDifference:
    """The comparison of two scores (n,) of one class, with DeLong's test by patient."""
    if not found.standard_error or found.interval is None:
        return found
    test = delong_test(truth, first, second, patients)
    if test.p_value is None:
        return found
    return with_error(found, test.standard_error, test.p_value, "DeLong's test by patient")


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
