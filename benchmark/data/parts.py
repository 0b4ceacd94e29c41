"""The three parts of a split as positions in a manifest, and what two of them share."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any

from benchmark.data.leaks import leaks

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd

    from benchmark.data.manifest import Manifest

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class SplitRows:
    """Positions in a manifest.

    Attributes:
        train, validation, test: Sorted positions, int64. A published list that leaks has
            positions in two of them.
        source: Name of the split, and how it was made.
        overlaps: By pair such as `train-test`: images and patients that stand in both; and
            `absent`: images of a list that the manifest lacks, `unlabelled`: rows left out.
        labels: One row a row of the manifest, a column a class. Where a published list names an
            image, its labels stand in place of the manifest's.
        listed: By percent, the training positions of the list's own subset (not always nested).
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    source: str
    overlaps: Mapping[str, Any] = field(default_factory=dict)
    labels: pd.DataFrame | None = None
    listed: Mapping[int, np.ndarray] = field(default_factory=dict)

    @property
    def leaks(self) -> bool:
        """Whether two parts share an image or a patient."""
        return leaks(self.overlaps)


def rows_of(parts: Mapping[str, np.ndarray], *, source: str, labels: pd.DataFrame) -> SplitRows:
    """`SplitRows` from positions by part."""
    return SplitRows(parts["train"], parts["validation"], parts["test"], source, labels=labels)


def overlaps(manifest: Manifest, first: np.ndarray, second: np.ndarray) -> dict[str, int]:
    """How many images and patients two sets of rows share."""
    patients = manifest.images["patient"].to_numpy(dtype=object)
    return {
        "images": len(set(first.tolist()) & set(second.tolist())),
        "patients": len(set(patients[first]) & set(patients[second])),
    }


def pair_overlaps(manifest: Manifest, rows: SplitRows) -> dict[str, dict[str, int]]:
    """`overlaps` of every pair of parts, by names such as `train-test`."""
    return {
        f"{a}-{b}": overlaps(manifest, getattr(rows, a), getattr(rows, b))
        for a, b in combinations(PARTS, 2)
    }
