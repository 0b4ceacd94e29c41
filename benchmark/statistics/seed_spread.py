"""How far results scatter between repeated runs, axis by axis, apart from the patients' error.

A bootstrap by patient says how a score would move with other patients; it says nothing of another
pre-training run. Repeated runs do: over pre-training seeds (the method), subset seeds (which labels
were drawn) and head seeds (how the head began).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

AXES = ("pretrain", "subset", "head")


def seed_error(values: Sequence[float]) -> tuple[float, int] | None:
    """Standard error of the mean of repeated runs, and its degrees of freedom.

    Args:
        values: One for each run.

    Returns:
        None for fewer than two runs: a single run has no spread, which is not a spread of zero.
    """
    if len(values) < 2:
        return None
    return standard_deviation(values) / math.sqrt(len(values)), len(values) - 1


def standard_deviation(values: Sequence[float]) -> float:
    """With n - 1 in the denominator; needs two values."""
    mean = sum(values) / len(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))


def spread_by_axis(
    runs: Sequence[tuple[Mapping[str, int | None], float]],
) -> dict[str, float]:
    """Standard deviation along each seed axis, for the axes that have two values and more.

    Along an axis the runs of one seed are averaged over the other axes first, so that what
    another axis scatters does not count here where each seed met the same values of it.

    Args:
        runs: Seeds by axis, and the score.
    """
    found = {}
    for axis in AXES:
        by_seed: dict[int, list[float]] = {}
        for seeds, value in runs:
            seed = seeds.get(axis)
            if seed is not None:
                by_seed.setdefault(seed, []).append(value)
        if len(by_seed) > 1:
            means = [sum(values) / len(values) for values in by_seed.values()]
            found[axis] = standard_deviation(means)
    return found
