"""How many patients an AUC rests on: far fewer than there are in a test set of rare findings."""

from __future__ import annotations

import numpy as np

from benchmark.statistics.delong import patients_by_side


def carrying_patients(truth: np.ndarray, patients: np.ndarray) -> int:
    """Patients on the smaller side of the rarest class.

    Args:
        truth: (n, k) 1, 0, or anything else for unknown.
        patients: (n,) name of each sample's patient.
    """
    return min(min(patients_by_side(labels, patients)) for labels in np.asarray(truth).T)
