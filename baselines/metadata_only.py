"""Logistic regression on age, sex and view: what a label owes to who was imaged and how."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmark.errors import NotApplicable
from benchmark.specs import BaselineSpec

if TYPE_CHECKING:
    from benchmark.interfaces import Arrays, SentinelSamples

BASELINE = BaselineSpec(
    name="metadata_only",
    version=1,
    title="Age, sex and view only",
    kind="sentinel",
    source="logistic regression per class on the reference split",
    protocols=("fine_tune", "linear_probe", "zero_shot"),
)

COLUMNS = ("age", "sex", "view")


def predict(samples: SentinelSamples, truth: np.ndarray, generator: np.random.Generator) -> Arrays:
    """Probabilities (n, k) of one logistic regression per class.

    Columns that the reference split or the samples lack are left out. A class without both
    positive and negative reference cases gets the constant 0.5.

    Raises:
        NotApplicable: No metadata column is known at all, or there is no reference split.
    """
    from sklearn.linear_model import LogisticRegression

    labels = np.asarray(samples.reference.get("truth", np.zeros((0, 0))))
    reference, features = design(samples.reference, samples.metadata)
    if features.shape[1] == 0 or len(labels) == 0:
        raise NotApplicable(
            "metadata_only needs age, sex or view of the samples and of a labelled reference "
            "split, and this data set states none of them."
        )
    scores = np.full((len(samples.ids), labels.shape[1]), 0.5, dtype=np.float32)
    for column in range(labels.shape[1]):
        known = np.isin(labels[:, column], (0, 1))
        target = labels[known, column]
        if len(np.unique(target)) == 2:
            model = LogisticRegression(max_iter=1000).fit(reference[known], target)
            scores[:, column] = model.predict_proba(features)[:, 1]
    return {"scores": scores}


def design(reference: Arrays, metadata: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """Feature tables (m, f) and (n, f) of the columns that both sides know.

    Age is standardised by the reference, with a flag where it is missing; sex and view are coded
    by the values seen in the reference.
    """
    left: list[np.ndarray] = []
    right: list[np.ndarray] = []
    for name in COLUMNS:
        if name not in reference or name not in metadata:
            continue
        known, asked = np.asarray(reference[name]), np.asarray(metadata[name])
        if name == "age":
            known, asked = known.astype(np.float64), asked.astype(np.float64)
            if not np.isfinite(known).any():
                continue
            middle, spread = np.nanmean(known), max(float(np.nanstd(known)), 1.0)
            for values, columns in ((known, left), (asked, right)):
                columns.append(np.nan_to_num((values - middle) / spread))
                columns.append(np.isnan(values).astype(np.float64))
            continue
        for value in np.unique(known):
            left.append((known == value).astype(np.float64))
            right.append((asked == value).astype(np.float64))
    rows_left = len(next(iter(reference.values()))) if reference else 0
    rows_right = len(next(iter(metadata.values()))) if metadata else 0
    return (
        np.stack(left, axis=1) if left else np.zeros((rows_left, 0)),
        np.stack(right, axis=1) if right else np.zeros((rows_right, 0)),
    )
