"""Every classification metric of every class in each replicate of a bootstrap by patient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmark.metrics.ranked_auc import RankedAuc
from benchmark.metrics.ranking import why_undefined
from benchmark.metrics.thresholds import METRICS, RankedClass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmark.metrics.class_scores import ClassScores
    from benchmark.statistics.bootstrap import PatientBootstrap

Replicates = dict[str, dict[int, np.ndarray]]


def class_replicates(
    predictions: Mapping[str, np.ndarray],
    rows: np.ndarray,
    aucs: Mapping[str, str],
    by_class: Sequence[ClassScores],
    bootstrap: PatientBootstrap,
) -> Replicates:
    """Replicates (r,) by metric and column of the class; defined ones only.

    Args:
        predictions: See `classification`.
        rows: Of the test split.
        aucs: Array of scores by name of an AUC.
        by_class: Thresholds, and which of `METRICS` are undefined.
        bootstrap: Of the rows.
    """
    ranked_auc = _ranked_auc(predictions, rows, aucs, bootstrap)
    ranked = {
        column: RankedClass.of(
            predictions["truth"][rows, column], predictions["scores"][rows, column]
        )
        for column, scored in enumerate(by_class)
        if set(scored.reasons) != set(METRICS)
    }
    drawn: Replicates = {name: {} for name in (*aucs, *METRICS)}
    for name, column in ranked_auc:
        drawn[name][column] = np.empty(bootstrap.replicates)
    for column in ranked:
        for name in set(METRICS) - set(by_class[column].reasons):
            drawn[name][column] = np.empty(bootstrap.replicates)
    for piece, by_patient in bootstrap.patient_weights():
        for (name, column), auc in ranked_auc.items():
            drawn[name][column][piece] = auc.under(by_patient)
        by_sample = by_patient[bootstrap.codes]
        for column, one in ranked.items():
            threshold = by_class[column].thresholds["validation"]
            for name, found in one.metrics_under(by_sample, threshold).items():
                if column in drawn[name]:
                    drawn[name][column][piece] = found
    return drawn


def _ranked_auc(
    predictions: Mapping[str, np.ndarray],
    rows: np.ndarray,
    aucs: Mapping[str, str],
    bootstrap: PatientBootstrap,
) -> dict[tuple[str, int], RankedAuc]:
    """By AUC and column: the sorted samples of each class that has both labels and scores."""
    truth = predictions["truth"][rows]
    found = {}
    for name, key in aucs.items():
        for column in range(truth.shape[1]):
            labels, values = truth[:, column], predictions[key][rows, column]
            if not why_undefined(labels) and not np.isnan(values).any():
                found[name, column] = RankedAuc.of(
                    labels, values, bootstrap.codes, bootstrap.patients
                )
    return found
