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
    """Probabilities (n, k) of one logistic regression per class, fitted on the reference alone.

    Columns that the reference split or the samples lack are left out. Where nothing differs
    between reference cases (sex and age unknown, one view), the regression has its intercept
    alone: the class frequency, AUC 0.5. So has a class without both positive and negative
    reference cases; without any known case it gets the constant 0.5. Where one of many classes
    holds, there is still one regression a class, and the highest probability wins.

    Raises:
        NotApplicable: There is no labelled reference split.
    """
    labels = np.asarray(samples.reference.get("truth", np.zeros((0, 0))))
    if len(labels) == 0:
        raise NotApplicable(
            "metadata_only needs a labelled training split to learn from, and there is none."
        )
    reference, features = design(samples)
    scores = np.empty((len(samples.ids), labels.shape[1]), dtype=np.float32)
    for column in range(labels.shape[1]):
        known = np.isin(labels[:, column], (0, 1))
        scores[:, column] = _fitted(reference[known], labels[known, column], features)
    return {"scores": scores}


def _fitted(reference: np.ndarray, target: np.ndarray, features: np.ndarray) -> np.ndarray:
    """Probabilities (n,) of a class from features (n, f), fitted on (m, f) and labels (m,)."""
    from sklearn.linear_model import LogisticRegression

    if len(target) == 0:
        return np.full(len(features), 0.5)
    if features.shape[1] == 0 or len(np.unique(target)) < 2:
        return np.full(len(features), target.mean())
    model = LogisticRegression(max_iter=1000).fit(reference, target)
    if len(features) == 0:
        return np.empty(0)
    return np.asarray(model.predict_proba(features)[:, 1])


def design(samples: SentinelSamples) -> tuple[np.ndarray, np.ndarray]:
    """Feature tables of the reference (m, f) and of the samples (n, f), of what both know.

    Age is standardised by the reference, with a flag where it is missing; sex and view are coded
    by the values seen in the reference, "not known" among them.
    """
    left = [np.zeros((len(samples.reference["truth"]), 0))]
    right = [np.zeros((len(samples.ids), 0))]
    for name in COLUMNS:
        if name not in samples.reference or name not in samples.metadata:
            continue
        known, asked = np.asarray(samples.reference[name]), np.asarray(samples.metadata[name])
        coded = _ages(known, asked) if name == "age" else _categories(known, asked)
        left.append(coded[0])
        right.append(coded[1])
    reference, features = np.concatenate(left, axis=1), np.concatenate(right, axis=1)
    if not np.ptp(reference, axis=0).any():
        return reference[:, :0], features[:, :0]
    return reference, features


def _ages(known: np.ndarray, asked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    known, asked = known.astype(np.float64), asked.astype(np.float64)
    if not np.isfinite(known).any():
        return np.zeros((len(known), 0)), np.zeros((len(asked), 0))
    middle, spread = np.nanmean(known), max(float(np.nanstd(known)), 1.0)
    coded = [
        np.stack([np.nan_to_num((values - middle) / spread), np.isnan(values)], axis=1)
        for values in (known, asked)
    ]
    return coded[0], coded[1]


def _categories(known: np.ndarray, asked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    seen = np.unique(known)
    return (known[:, None] == seen).astype(float), (asked[:, None] == seen).astype(float)
