"""Classification metrics of a random sentinel: means over its draws.

`scores_draws` (n, k, draws) stand in place of `scores`. The interval of a metric is 1.96 standard
errors of its mean over draws. AUC and the argmax metrics use all draws; the others, whose
threshold is searched in each draw, the first 20.

`selection["standard_error"]` is what the distance from the level of chance is measured by. For
metrics at a threshold the level follows from how many images each draw calls positive, and the
error is that of the difference over random labels, which is known and not estimated from few,
skewed draws.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmark.interfaces import Scores
from benchmark.metrics.argmax import argmax_draws
from benchmark.metrics.class_means import mean_chance, mean_of_draws
from benchmark.metrics.class_scores import score_class
from benchmark.metrics.predictions import rows_of
from benchmark.metrics.ranking import AUC_CHANCE, rank_auc, why_undefined
from benchmark.metrics.thresholds import METRICS, NO_BEST
from benchmark.seeds import generator_from

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmark.interfaces import Metric
    from benchmark.metrics.class_scores import ClassScores

DRAWS_OF_THRESHOLD_METRICS = 20
PERMUTATIONS = 50
"""For each class and draw, so that the level rests on many more labels than the value."""


def score_draws(
    predictions: Mapping[str, np.ndarray], rows: np.ndarray, seed: int, *, one_of_many: bool
) -> Scores:
    """Means over the draws of a random sentinel.

    Args:
        predictions: With `scores_draws` (n, k, draws).
        rows: Of the test split.
        seed: Of the random labels behind the levels of chance.
        one_of_many: Whether exactly one class holds.
    """
    names = tuple(str(name) for name in predictions["classes"])
    truth, scores = predictions["truth"], predictions["scores_draws"]
    draws = scores.shape[2]
    by_class = {
        name: rank_auc(truth[rows, c], scores[rows, c])
        if not why_undefined(truth[rows, c])
        else np.full(draws, np.nan)
        for c, name in enumerate(names)
    }
    reasons = {name: why_undefined(truth[rows, c]) for c, name in enumerate(names)}
    auc, error = mean_of_draws(by_class, reasons, chance=AUC_CHANCE)
    metrics, errors = {"auc": auc}, {"auc": error}
    few = _threshold_scores(predictions, rows, seed)
    for metric in METRICS:
        metrics[metric], errors[metric] = _mean_metric(metric, names, few)
    counts = {metric: len(few[0]) for metric in METRICS} | {"auc": draws}
    if one_of_many:
        more, more_errors = argmax_draws(truth[rows], scores[rows], names)
        metrics, errors = metrics | more, errors | more_errors
        counts |= {metric: draws for metric in more}
    selection = {
        "draws": counts,
        "standard_error": errors,
        "interval": "1.96 standard errors of the mean over draws",
    }
    per_sample = {key: predictions[key][rows] for key in ("ids", "patients", "truth")}
    return Scores(metrics, per_sample, selection)


def _threshold_scores(
    predictions: Mapping[str, np.ndarray], rows: np.ndarray, seed: int
) -> list[list[ClassScores]]:
    """Scores of the first draws, by class and draw."""
    truth, scores = predictions["truth"], predictions["scores_draws"]
    validation = rows_of(predictions, "validation")
    few = min(scores.shape[2], DRAWS_OF_THRESHOLD_METRICS)
    return [
        [
            score_class(
                (truth[rows, c], scores[rows, c, draw]),
                (truth[validation, c], scores[validation, c, draw]),
                generator_from("chance_level", seed, str(name), draw),
                PERMUTATIONS,
            )
            for draw in range(few)
        ]
        for c, name in enumerate(predictions["classes"])
    ]


def _mean_metric(
    metric: str, names: tuple[str, ...], few: list[list[ClassScores]]
) -> tuple[Metric, float | None]:
    """The metric over the draws, and the standard error of its distance from chance."""
    of_class = dict(zip(names, few, strict=True))
    defined = [draws for draws in few if metric in draws[0].chance]
    chance = mean_chance([one.chance[metric] for draws in defined for one in draws])
    found, _ = mean_of_draws(
        {name: np.array([one.values[metric] for one in draws]) for name, draws in of_class.items()},
        {name: draws[0].reasons.get(metric, "") for name, draws in of_class.items()},
        chance=chance,
        best=None if metric in NO_BEST else 1.0,
    )
    if not defined:
        return found, None
    # Of the value, and of the level where that rests on reassigned labels (else an upper bound).
    variances = [one.variance[metric] * (1 + 1 / PERMUTATIONS) for d in defined for one in d]
    return found, float(np.sqrt(np.sum(variances)) / len(variances))
