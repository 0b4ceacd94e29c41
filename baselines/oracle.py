"""The truth itself: what a perfect classifier scores, and a test of the metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    protocols=("fine_tune", "linear_probe", "zero_shot", "segment", "detect"),
)


def predict(samples: SentinelSamples, truth: Any, generator: np.random.Generator) -> Arrays:
    """The truth (n, k) as scores, where unknown labels score 0.5; or the true masks or boxes."""
    if samples.protocol == "segment":
        return {"runs": truth["runs"], "offsets": truth["offsets"]}
    if samples.protocol == "detect":
        return {**truth, "box_scores": np.ones(len(truth["boxes"]), dtype=np.float32)}
    labels = np.asarray(truth, dtype=np.float32)
    return {"scores": np.where(np.isnan(labels), np.float32(0.5), labels)}
