"""Average precision, F1 and accuracy of one class, with their levels of chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmark.metrics.chance_levels import (
    Level,
    Ties,
    average_precision_level,
    levels_at_threshold,
    permuted,
)
from benchmark.metrics.confusion import confusion_at
from benchmark.metrics.ranking import (
    average_precision,
    best_correlation_threshold,
    best_f1_threshold,
)
from benchmark.metrics.thresholds import (
    AVERAGE_PRECISION,
    BY_TEST,
    BY_VALIDATION,
    CHOSEN_BY,
    METRICS,
    why_not,
)

if TYPE_CHECKING:
    from benchmark.metrics.confusion import Confusion

PERMUTATIONS = 200
"""Reassignments of the test labels behind the level of chance of one prediction."""


@dataclass(frozen=True)
class ClassScores:
    """The metrics of one class that need no bootstrap.

    Attributes:
        values: By metric, the names of `thresholds.METRICS`; NaN where undefined.
        reasons: Why, for those that are undefined.
        chance: Mean over random labels, for those that are defined.
        variance: Of one prediction over random labels.
        thresholds: By the keys of `thresholds.CHOSEN_BY`; NaN without a positive case.
    """

    values: Mapping[str, float]
    reasons: Mapping[str, str]
    chance: Mapping[str, float]
    variance: Mapping[str, float]
    thresholds: Mapping[str, float]


def unscored(reason: str) -> ClassScores:
    """A class without scores."""
    return ClassScores(
        values=dict.fromkeys(METRICS, float("nan")),
        reasons=dict.fromkeys(METRICS, reason),
        chance={},
        variance={},
        thresholds=dict.fromkeys(CHOSEN_BY, float("nan")),
    )


def score_class(
    test: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray],
    generator: np.random.Generator,
    permutations: int = PERMUTATIONS,
) -> ClassScores:
    """All metrics of `thresholds.METRICS` of one class.

    Args:
        test: Labels (n,) with NaN for unknown, and scores (n,).
        validation: Alike, (m,).
        generator: Reassigns labels for the level of chance.
        permutations: How often.
    """
    truth, scores = test
    reasons = {metric: why for metric, why in why_not(truth, validation[0]).items() if why}
    thresholds = {
        "validation": best_f1_threshold(*validation),
        "test": best_f1_threshold(*test),
        "test_mcc": best_correlation_threshold(*test),
    }
    values = dict.fromkeys(METRICS, float("nan"))
    levels: dict[str, Level] = {}
    if (truth == 1).any():
        found, levels = _defined(truth, scores, thresholds, generator, permutations)
        values |= {metric: value for metric, value in found.items() if metric not in reasons}
    known = [metric for metric in levels if metric not in reasons]
    return ClassScores(
        values,
        reasons,
        chance={metric: levels[metric].mean for metric in known},
        variance={metric: levels[metric].variance for metric in known},
        thresholds=thresholds,
    )


def _defined(
    truth: np.ndarray,
    scores: np.ndarray,
    thresholds: Mapping[str, float],
    generator: np.random.Generator,
    permutations: int,
) -> tuple[dict[str, float], dict[str, Level]]:
    """Values and levels of a class with a positive test case."""
    at_test = confusion_at(truth, scores, thresholds["test"])
    above = confusion_at(truth, scores, thresholds["test"], above=True)
    by_test = at_test.values()
    by_mcc = confusion_at(truth, scores, thresholds["test_mcc"]).values()
    values = {
        AVERAGE_PRECISION: average_precision(truth, scores),
        BY_TEST["f1"]: float(by_test["f1"]),
        BY_TEST["accuracy"]: float(by_test["accuracy"]),
        BY_TEST["accuracy_above"]: float(above.values()["accuracy"]),
        BY_TEST["f1_mcc"]: float(by_mcc["f1"]),
        BY_TEST["accuracy_mcc"]: float(by_mcc["accuracy"]),
    }
    levels = _permuted_levels(truth, scores, generator, permutations)
    if not np.isnan(thresholds["validation"]):
        counts = confusion_at(truth, scores, thresholds["validation"])
        values |= {BY_VALIDATION[name]: float(value) for name, value in counts.values().items()}
        levels |= _fixed_levels(counts)
    return values, levels


def _fixed_levels(counts: Confusion) -> dict[str, Level]:
    called, positives, total = (
        int(count) for count in (counts.called, counts.positives, counts.total)
    )
    levels = levels_at_threshold(called, positives, total)
    return {BY_VALIDATION[name]: level for name, level in levels.items()}


def _permuted_levels(
    truth: np.ndarray, scores: np.ndarray, generator: np.random.Generator, permutations: int
) -> dict[str, Level]:
    known = (truth == 0) | (truth == 1)
    _, sizes = np.unique(scores[known], return_counts=True)
    ties, positives = Ties(np.cumsum(sizes[::-1])), int(np.sum(truth == 1))
    drawn = permuted(ties, positives, permutations, generator)
    levels = {
        metric: Level(float(drawn[name].mean()), float(drawn[name].var(ddof=1)))
        for name, metric in BY_TEST.items()
    }
    exact = average_precision_level(ties, positives)
    variance = float(drawn[AVERAGE_PRECISION].var(ddof=1))
    return levels | {AVERAGE_PRECISION: Level(exact, variance)}
