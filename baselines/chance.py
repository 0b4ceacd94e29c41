"""Random scores and random maps, several draws of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.specs import BaselineSpec

if TYPE_CHECKING:
    from benchmark.interfaces import Arrays, SentinelSamples

BASELINE = BaselineSpec(
    name="chance",
    version=1,
    title="Chance (mean of random draws)",
    kind="sentinel",
    source="AUC 0.5 and signed CNR 0 within four standard errors",
    protocols=("fine_tune", "linear_probe", "zero_shot", "ground"),
)

LARGEST_MAP_DRAWS = 20


def predict(samples: SentinelSamples, truth: Any, generator: np.random.Generator) -> Arrays:
    """Draws on a last axis, which the metrics average over.

    Returns:
        `scores_draws` (n, k, draws) uint8 for classification: 256 levels are as random as any and
        keep the stored predictions small. `similarities_draws` (n, N, draws) float32 for
        grounding, at most 20 draws, white noise on the grid: the smoothing is the metric's.
    """
    pairs = len(samples.ids)
    if samples.protocol == "ground":
        shape = (pairs, samples.grid[0] * samples.grid[1], min(samples.draws, LARGEST_MAP_DRAWS))
        return {"similarities_draws": generator.standard_normal(shape, dtype=np.float32)}
    labels = np.shape(truth)[1]
    drawn = generator.integers(0, 256, size=(pairs, labels, samples.draws), dtype=np.uint8)
    return {"scores_draws": drawn}
