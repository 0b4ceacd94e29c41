"""No pixel of any image: what the share of empty targets alone scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.specs import BaselineSpec

if TYPE_CHECKING:
    from benchmark.interfaces import Arrays, SentinelSamples

BASELINE = BaselineSpec(
    name="always_empty",
    version=1,
    title="Always empty",
    kind="sentinel",
    source="Dice of an empty target is 1 for an empty prediction",
    protocols=("segment",),
)


def predict(samples: SentinelSamples, truth: Any, generator: np.random.Generator) -> Arrays:
    """Masks without a run."""
    offsets = np.zeros(len(samples.ids) + 1, dtype=np.int64)
    return {"runs": np.zeros((0, 2), dtype=np.int32), "offsets": offsets}
