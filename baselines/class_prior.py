"""One map per finding: where boxes of that finding lie on average."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.metrics.grounding_maps import reference_coverage
from benchmark.specs import BaselineSpec

if TYPE_CHECKING:
    from benchmark.interfaces import Arrays, SentinelSamples

BASELINE = BaselineSpec(
    name="class_prior",
    version=1,
    title="Class prior (mean box map per finding)",
    kind="sentinel",
    source="mean of the reference split's box maps per finding",
    protocols=("ground",),
)


def predict(samples: SentinelSamples, truth: Any, generator: np.random.Generator) -> Arrays:
    """The reference split's mean box map of each pair's category, (n, N).

    A category that the reference split lacks gets the map over all categories.
    """
    coverage = reference_coverage(samples)
    known = np.asarray(samples.reference["category"])
    maps = np.tile(coverage.mean(axis=0), (len(samples.ids), 1))
    for category in np.unique(known):
        maps[np.asarray(samples.classes) == category] = coverage[known == category].mean(axis=0)
    return {"similarities": maps.astype(np.float32)}
