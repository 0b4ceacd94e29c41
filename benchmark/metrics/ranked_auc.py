"""AUC under thousands of resamples of the patients, as two sparse products.

Under a resample every sample weighs as often as its patient was drawn, so the AUC needs, for each
distinct score of a positive, the weight of the positives at it and of the negatives below it and
at it. Which samples those are does not change between resamples: they are summed by patient once,
and the resamples enter as the dense side of a sparse product.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from benchmark.statistics.bootstrap import PatientBootstrap


@dataclass(frozen=True)
class RankedAuc:
    """The samples of one class, sorted once.

    Attributes:
        positives: (u, patients) positives of each patient at each of the u distinct scores that
            positives have, ascending.
        negatives: (2 u + 1, patients) negatives by place: 2 j between the scores j - 1 and j, 2 j
            + 1 at score j.
    """

    positives: sparse.csr_matrix
    negatives: sparse.csr_matrix

    @classmethod
    def of(
        cls, truth: np.ndarray, scores: np.ndarray, codes: np.ndarray, patients: int
    ) -> RankedAuc:
        """Sort (n,) scores; labels but 0 and 1 are unknown and left out.

        Args:
            truth: (n,).
            scores: (n,), finite where the label is known.
            codes: (n,) position of each sample's patient.
            patients: How many there are.
        """
        labels, values = np.asarray(truth), np.asarray(scores)
        positive, negative = labels == 1, labels == 0
        known, place = np.unique(values[positive], return_inverse=True)
        lower = np.searchsorted(known, values[negative], side="left")
        upper = np.searchsorted(known, values[negative], side="right")
        return cls(
            _counted(place.reshape(-1), codes[positive], (len(known), patients)),
            _counted(lower + upper, codes[negative], (2 * len(known) + 1, patients)),
        )

    def under(self, weights: np.ndarray) -> np.ndarray:
        """AUC under many weightings of the patients; a tie counts half.

        Args:
            weights: (patients, r) float32 whole numbers, which stay exact.

        Returns:
            (r,) AUC, NaN where positives or negatives have no weight.
        """
        positives = self.positives @ weights
        negatives = self.negatives @ weights
        # Twice the weight of the negatives below each score, and that of those at it.
        below = np.cumsum(negatives, axis=0, dtype=np.float32)
        total = below[-1].astype(np.float64)
        wins = below[:-1:2] + below[1::2]
        won = 0.5 * np.einsum("ur,ur->r", wins, positives, dtype=np.float64)
        pairs = positives.sum(axis=0, dtype=np.float64) * total
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(pairs > 0, won / pairs, np.nan)


def _counted(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> sparse.csr_matrix:
    """How many samples stand at each place and patient, float32."""
    ones = np.ones(len(rows), dtype=np.float32)
    return sparse.csr_matrix((ones, (rows, columns)), shape=shape)


def bootstrap_auc(truth: np.ndarray, scores: np.ndarray, bootstrap: PatientBootstrap) -> np.ndarray:
    """AUC in every replicate of a patient bootstrap.

    Args:
        truth: (n,), or (n, k) for k classes.
        scores: Alike.
        bootstrap: Of the n samples.

    Returns:
        (replicates,) or (replicates, k); NaN where a class lacks a positive or a negative.
    """
    labels = np.asarray(truth).reshape(len(truth), -1)
    values = np.asarray(scores).reshape(labels.shape)
    ranked = [
        RankedAuc.of(labels[:, column], values[:, column], bootstrap.codes, bootstrap.patients)
        for column in range(labels.shape[1])
    ]
    drawn = np.empty((bootstrap.replicates, labels.shape[1]))
    for piece, weights in bootstrap.patient_weights():
        for column, one in enumerate(ranked):
            drawn[piece, column] = one.under(weights)
    return drawn.reshape((bootstrap.replicates, *np.shape(truth)[1:]))
