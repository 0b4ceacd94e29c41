"""How far results scatter between repeated runs, axis by axis, apart from the patients' error.

A bootstrap by patient says how a score would move with other patients; it says nothing of another
pre-training run. Repeated runs do: over pre-training seeds (the method), subset seeds (which labels
were drawn) and head seeds (how the head began).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

AXES = ("pretrain", "subset", "head")
Seeds = Mapping[str, int | None]
Runs = Sequence[tuple[Seeds, float]]
"""Seeds by axis, and the score of the run."""


def standard_deviation(values: Sequence[float]) -> float:
    """With n - 1 in the denominator; needs two values."""
    mean = sum(values) / len(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))


def marginal_means(runs: Runs, axis: str) -> dict[int, float]:
    """By seed of one axis: the mean over the runs that have it; empty for an axis without seeds."""
    by_seed: dict[int, list[float]] = {}
    for seeds, value in runs:
        seed = seeds.get(axis)
        if seed is not None:
            by_seed.setdefault(seed, []).append(value)
    return {seed: sum(values) / len(values) for seed, values in by_seed.items()}


def mean_over_runs(runs: Runs) -> float:
    """Mean of the runs; of several pre-training seeds, the mean over their means."""
    by_pretraining = marginal_means(runs, "pretrain")
    values = list(by_pretraining.values()) if len(by_pretraining) > 1 else [v for _, v in runs]
    return sum(values) / len(values)


def spread_by_axis(runs: Runs) -> dict[str, float]:
    """Standard deviation along each seed axis, for the axes that have two values and more.

    Along an axis the runs of one seed are averaged over the other axes first. Where two axes
    were varied together (seed 0 with seed 0, 1 with 1) neither can be told from the other, and
    both show the same spread.
    """
    found = {}
    for axis in AXES:
        means = marginal_means(runs, axis)
        if len(means) > 1:
            found[axis] = standard_deviation(list(means.values()))
    return found


def seed_variances(runs: Runs) -> list[tuple[float, int]]:
    """What each axis adds to the variance of the mean over the runs, with degrees of freedom.

    An axis with k seeds adds s^2 / k, s its standard deviation (`spread_by_axis`); runs that share
    a seed of it share its error, however many they are. An axis with one seed adds nothing that
    could be known: its spread is not in the result, which is not a spread of zero.
    """
    found = []
    for axis in AXES:
        means = marginal_means(runs, axis)
        if len(means) > 1:
            found.append(
                (standard_deviation(list(means.values())) ** 2 / len(means), len(means) - 1)
            )
    return found


def difference_variances(first: Runs, second: Runs) -> list[tuple[float, int]]:
    """As `seed_variances`, for the mean of one set of runs minus that of another.

    Subset and head seeds are no part of a method: where both sides were run on the same ones,
    their differences by seed are what scatters. Pre-trainings of two methods are independent.
    """
    found = []
    for axis in AXES:
        sides = marginal_means(first, axis), marginal_means(second, axis)
        if axis != "pretrain" and len(sides[0]) > 1 and set(sides[0]) == set(sides[1]):
            gains = [sides[0][seed] - sides[1][seed] for seed in sides[0]]
            found.append((standard_deviation(gains) ** 2 / len(gains), len(gains) - 1))
            continue
        for means in sides:
            if len(means) > 1:
                variance = standard_deviation(list(means.values())) ** 2 / len(means)
                found.append((variance, len(means) - 1))
    return found


def joined(parts: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Variance and degrees of freedom of a sum of independent parts (Welch and Satterthwaite).

    Args:
        parts: Variance and degrees of freedom of each.
    """
    total = sum(variance for variance, _ in parts)
    weights = sum(variance**2 / freedom for variance, freedom in parts)
    return total, total**2 / weights if weights > 0 else math.inf
