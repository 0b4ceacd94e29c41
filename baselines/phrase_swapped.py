"""The perfect map of another pair: what a map scores that belongs to another phrase and image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmark.metrics.grounding_maps import box_coverage
from benchmark.specs import BaselineSpec

if TYPE_CHECKING:
    from benchmark.interfaces import Arrays, SentinelSamples

BASELINE = BaselineSpec(
    name="phrase_swapped",
    version=1,
    title="Oracle with another pair's phrase",
    kind="sentinel",
    source="the oracle map of a pair of another finding and patient",
    protocols=("ground",),
)


def predict(samples: SentinelSamples, truth: Arrays, generator: np.random.Generator) -> Arrays:
    """The oracle map of a randomly drawn other pair, (n, N).

    The other pair differs in category and, where `samples.metadata["patients"]` is known, in
    patient. Where no such pair exists, any other patient, then any other pair, will do.

    Args:
        samples: Gives categories, patients, grid and frame.
        truth: `boxes` (m, 4) and `box_pair` (m,).
        generator: Draws the other pair.
    """
    pairs = len(samples.ids)
    coverage = box_coverage(truth["boxes"], truth["box_pair"], pairs, samples.grid, samples.frame)
    return {"similarities": coverage[other_pairs(samples, generator)]}


def other_pairs(samples: SentinelSamples, generator: np.random.Generator) -> np.ndarray:
    """For each pair the position of another one, (n,)."""
    pairs = len(samples.ids)
    category = np.asarray(samples.classes)
    patients = np.asarray(samples.metadata.get("patients", np.arange(pairs)))
    partner = np.arange(pairs)
    for pair in range(pairs):
        other_patient = patients != patients[pair]
        for allowed in (
            other_patient & (category != category[pair]),
            other_patient,
            np.arange(pairs) != pair,
        ):
            if allowed.any():
                partner[pair] = generator.choice(np.flatnonzero(allowed))
                break
    return partner
