"""The frequency of each class for every image: calibrated, and of AUC exactly 0.5."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmark.errors import BadDataError
from benchmark.specs import BaselineSpec

if TYPE_CHECKING:
    from benchmark.interfaces import Arrays, SentinelSamples

BASELINE = BaselineSpec(
    name="class_frequency",
    version=1,
    title="Class frequency (constant)",
    kind="sentinel",
    source="share of positives in the reference split",
    protocols=("fine_tune", "linear_probe", "zero_shot"),
)


def predict(samples: SentinelSamples, truth: np.ndarray, generator: np.random.Generator) -> Arrays:
    """The reference split's share of positives per class, repeated for every sample, (n, k)."""
    if "truth" not in samples.reference or len(samples.reference["truth"]) == 0:
        raise BadDataError("class_frequency needs the labels of a reference split; there are none.")
    labels = np.asarray(samples.reference["truth"], dtype=np.float64)
    positive, known = (labels == 1).sum(axis=0), np.isin(labels, (0, 1)).sum(axis=0)
    frequency = np.where(known > 0, positive / np.maximum(known, 1), 0.5)
    return {"scores": np.tile(frequency.astype(np.float32), (len(samples.ids), 1))}
