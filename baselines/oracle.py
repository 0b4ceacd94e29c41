"""The truth itself: what a perfect classifier scores, and a test of the metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmark.specs import BaselineSpec

if TYPE_CHECKING:
    from benchmark.interfaces import Arrays, SentinelSamples

BASELINE = BaselineSpec(
    name="oracle",
    version=1,
    title="Oracle (the truth)",
    kind="sentinel",
    source="every metric must reach its best value",
    protocols=("fine_tune", "linear_probe", "zero_shot"),
)


def predict(samples: SentinelSamples, truth: np.ndarray, generator: np.random.Generator) -> Arrays:
    """The truth (n, k) as scores; unknown labels score 0.5."""
    labels = np.asarray(truth, dtype=np.float32)
    return {"scores": np.where(np.isnan(labels), np.float32(0.5), labels)}
