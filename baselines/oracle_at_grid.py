"""The true boxes seen through the patch grid: the best that maps of this grid can score."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.metrics.grounding_maps import box_coverage
from benchmark.specs import BaselineSpec

if TYPE_CHECKING:
    import numpy as np

    from benchmark.interfaces import Arrays, SentinelSamples

BASELINE = BaselineSpec(
    name="oracle_at_grid",
    version=1,
    title="Oracle at the grid",
    kind="sentinel",
    source="share of each patch that the true boxes cover, smoothed like any map",
    protocols=("ground",),
)


def predict(samples: SentinelSamples, truth: Arrays, generator: np.random.Generator) -> Arrays:
    """Coverage of each grid cell by the true boxes, (n, N).

    Args:
        samples: Gives grid and frame.
        truth: `boxes` (m, 4) and `box_pair` (m,).
        generator: Not used.
    """
    pairs = len(samples.ids)
    coverage = box_coverage(truth["boxes"], truth["box_pair"], pairs, samples.grid, samples.frame)
    return {"similarities": coverage}
