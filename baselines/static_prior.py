"""One map for all: where boxes lie on average, without looking at the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.metrics.grounding_maps import reference_coverage
from benchmark.specs import BaselineSpec

if TYPE_CHECKING:
    from benchmark.interfaces import Arrays, SentinelSamples

BASELINE = BaselineSpec(
    name="static_prior",
    version=1,
    title="Static prior (mean box map)",
    kind="sentinel",
    source="mean of the reference split's box maps, all findings together",
    protocols=("ground",),
)


def predict(samples: SentinelSamples, truth: Any, generator: np.random.Generator) -> Arrays:
    """The mean box map of the reference split, (n, N), the same for every pair."""
    prior = reference_coverage(samples).mean(axis=0)
    return {"similarities": np.tile(prior.astype(np.float32), (len(samples.ids), 1))}
