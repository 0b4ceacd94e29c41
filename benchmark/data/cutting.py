"""Cuts rows into parts, whole patients at a time, by shares of patients or by counts of images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmark.data.parts import PARTS
from benchmark.data.strata import patient_order

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmark.data.manifest import Manifest


def cut_by_share(
    manifest: Manifest, rows: np.ndarray, shares: Mapping[str, float], axes: Sequence[object]
) -> dict[str, np.ndarray]:
    """Rows by part; the shares are of patients, the rest is for training.

    Args:
        manifest: For patients and labels.
        rows: Positions to cut.
        shares: Between 0 and 1 by part, in this order.
        axes: Seed axes.
    """
    patients, values = _patients_and_labels(manifest, rows)
    ranked = patient_order(patients, values, axes)
    place = dict(zip(ranked.patients, ranked.quantiles))
    quantiles = np.array([place[patient] for patient in patients], dtype=np.float64)
    parts: dict[str, np.ndarray] = {}
    low = 0.0
    for part, share in shares.items():
        parts[part] = rows[(quantiles >= low) & (quantiles < low + share)]
        low += share
    parts["train"] = rows[quantiles >= low]
    return {part: np.sort(parts.get(part, rows[:0])) for part in PARTS}


def cut_by_count(
    manifest: Manifest, rows: np.ndarray, wanted: Mapping[str, int], axes: Sequence[object]
) -> dict[str, np.ndarray]:
    """Rows by part; each part gets as many of the wanted images as whole patients allow.

    Patients are taken in the stratified order, and one whose images would not fit any more is
    passed over. A set with patients of a single image reaches the count exactly.

    Args:
        manifest: For patients and labels.
        rows: Positions to cut.
        wanted: Images by part, in this order; the rest is for training.
        axes: Seed axes.
    """
    patients, values = _patients_and_labels(manifest, rows)
    names = patients.astype(str)
    counts = dict(zip(*np.unique(names, return_counts=True)))
    left = patient_order(patients, values, axes).patients
    parts: dict[str, np.ndarray] = {}
    for part, count in wanted.items():
        taken = _fill(left, counts, count)
        left = [patient for patient in left if patient not in taken]
        parts[part] = rows[[name in taken for name in names]]
    rest = set(left)
    parts["train"] = rows[[name in rest for name in names]]
    return {part: np.sort(parts.get(part, rows[:0])) for part in PARTS}


def _fill(order: Sequence[str], counts: Mapping[str, int], wanted: int) -> set[str]:
    """Patients in their order whose images add up to at most the wanted number; at least one."""
    taken: set[str] = set()
    total = 0
    for patient in order:
        if total == wanted:
            break
        if total + counts[patient] <= wanted:
            taken.add(patient)
            total += counts[patient]
    # A part that someone asked for is never empty while somebody else is left for training.
    return taken or set(order[:1] if wanted and len(order) > 1 else ())


def _patients_and_labels(manifest: Manifest, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    patients = manifest.images["patient"].to_numpy(dtype=object)[rows]
    return patients, manifest.labels.to_numpy(dtype=np.float64)[rows]
