"""Noise instead of an image, times a fixed prior instead of learned patch weights.

It stands for a method whose patch weights have learned where lesions lie and whose dot products
carry nothing. The noise has mean +1 and standard deviation 1 per patch. The sign of the mean
decides everything: dot products of untrained towers have a common sign that is an accident, and a
negative mean turns the map upside down and every signed CNR into its negative, while the absolute
CNR stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.metrics.grounding_maps import reference_coverage
from benchmark.specs import BaselineSpec

if TYPE_CHECKING:
    from benchmark.interfaces import Arrays, SentinelSamples

BASELINE = BaselineSpec(
    name="noise_x_weights",
    version=1,
    title="Noise x static prior",
    kind="sentinel",
    source="white noise of mean +1 times the mean box map of the reference split",
    protocols=("ground",),
)

NOISE_MEAN = 1.0


def predict(samples: SentinelSamples, truth: Any, generator: np.random.Generator) -> Arrays:
    """The finished product (n, N), so that no temperature is chosen for it."""
    prior = reference_coverage(samples).mean(axis=0)
    noise = generator.standard_normal((len(samples.ids), len(prior))) + NOISE_MEAN
    return {"similarities": (noise * prior).astype(np.float32)}
