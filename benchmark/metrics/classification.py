"""Classification metrics, each averaged over the classes on which it is defined.

- `auc`: area under the ROC curve per class on the test split, a tie counts half; undefined
  without a positive or without a negative case. `auc_cosine`: the same of `scores_cosine`.
- `average_precision`: no interpolation; undefined as `auc`.
- `f1_validation_threshold`, `accuracy_validation_threshold`,
  `balanced_accuracy_validation_threshold`: at the threshold per class of best F1 on the whole
  validation split.
- `f1_test_threshold_published`, `accuracy_test_threshold_published`,
  `accuracy_test_threshold_official`: MedKLIP's rule, the threshold of best F1 on the test split
  itself; `f1_test_mcc_threshold_published`, `accuracy_test_mcc_threshold_published`: KAD's, by
  best Matthews correlation. They look at the answers; named so. Definitions and undefined cases
  of all: `thresholds`.
- `accuracy_argmax`, `balanced_accuracy_argmax`: for recipes whose `target` is `one_of_many`; see
  `argmax`.

A class whose scores are all NaN has none, and is undefined. Levels of chance: `chance_levels`; a
mean's is that of its defined classes.

Intervals are 95 % percentile intervals of a bootstrap by patient. The validation threshold is
held fixed; the one on the test labels is chosen anew in each replicate. A resample without a
positive or a negative of a class is redrawn, and counted in `selection["bootstrap"]`; where half
of them would have to be, none is, and a replicate is dropped where a class is undefined in it. A
class with few cases has DeLong's interval, or none: see `few_cases`.
`selection["f1_thresholds"]` and `selection["mcc_thresholds"]` hold the thresholds by split and
class, `selection["thresholds_chosen_by"]` the rules, `selection["class_names"]` the order of the
columns.

Predictions: `ids`, `patients`, `split`, `classes` (k), `truth` (n, k) with NaN for unknown, and
`scores` (n, k), or `scores_draws` (n, k, draws) of a random sentinel, see `classification_draws`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.interfaces import Metric, Scores
from benchmark.metrics.argmax import argmax_metrics
from benchmark.metrics.class_means import mean_chance, mean_over_classes, replicated
from benchmark.metrics.class_replicates import class_replicates
from benchmark.metrics.class_scores import ClassScores, score_class, unscored
from benchmark.metrics.classification_draws import score_draws
from benchmark.metrics.few_cases import FewCases
from benchmark.metrics.predictions import require, require_finite, rows_of, test_rows
from benchmark.metrics.ranking import AUC_CHANCE, rank_auc, why_undefined
from benchmark.metrics.thresholds import BY_TEST, CHOSEN_BY, METRICS, NO_BEST
from benchmark.seeds import generator_from
from benchmark.statistics.bootstrap import PatientBootstrap, recentred

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmark.recipes import Recipe

VERSION = 4
NO_SCORES = "no scores for this class"
AUCS = {"auc": "scores", "auc_cosine": "scores_cosine"}


def score(
    predictions: Mapping[str, np.ndarray], recipe: Recipe, seed: int, replicates: int
) -> Scores:
    """Score stored predictions.

    Args:
        predictions: See the module's docstring.
        recipe: Its `target`, where it has one, says whether one of many classes holds.
        seed: The bootstrap axis.
        replicates: Bootstrap replicates; 0 gives no intervals.
    """
    require(predictions, "ids", "patients", "split", "classes", "truth")
    rows = test_rows(predictions)
    one_of_many = getattr(recipe, "target", "") == "one_of_many"
    if "scores_draws" in predictions:
        return score_draws(predictions, rows, seed, one_of_many=one_of_many)
    require(predictions, "scores")
    names = tuple(str(name) for name in predictions["classes"])
    truth, scores = predictions["truth"], predictions["scores"]
    absent = _without_scores("scores", scores)
    by_class = _by_class(predictions, rows, absent, seed)
    patients = predictions["patients"][rows]
    bootstrap = PatientBootstrap.draw(patients, replicates, seed, _cases(truth[rows]))
    few = FewCases.of(truth[rows], patients, names, replicates)
    test = {name: key for name, key in AUCS.items() if key in predictions}
    for key in test.values():
        _without_scores(key, predictions[key])
    drawn = class_replicates(predictions, rows, test, by_class, bootstrap)
    metrics: dict[str, Metric] = {}
    dropped: dict[str, dict[str, int]] = {}
    for metric, key in test.items():
        metrics[metric], dropped[metric] = _auc_metric(
            truth[rows], predictions[key][rows], names, drawn[metric], few
        )
    for metric in METRICS:
        metrics[metric], dropped[metric] = _metric(metric, names, by_class, drawn[metric], few)
    if one_of_many:
        missing = tuple(name for name, gone in zip(names, absent, strict=True) if gone)
        more, undefined = argmax_metrics(truth[rows], scores[rows], names, bootstrap, few, missing)
        metrics, dropped = metrics | more, dropped | undefined
    selection = _thresholds(predictions, names, by_class) | {
        "class_names": list(names),
        "bootstrap": {
            "replicates": replicates,
            "patients": bootstrap.patients,
            "redrawn": bootstrap.redrawn,
            "undefined_replicates": dropped,
            "few_cases": few.described(),
        },
    }
    per_sample = {key: predictions[key][rows] for key in ("ids", "patients", "truth", "scores")}
    return Scores(metrics, per_sample, selection)


def _cases(truth: np.ndarray) -> np.ndarray:
    """(n, 2 k) positives and negatives of the classes that have both."""
    both = (truth == 1).any(axis=0) & (truth == 0).any(axis=0)
    return np.concatenate([truth[:, both] == 1, truth[:, both] == 0], axis=1)


def _without_scores(name: str, scores: np.ndarray) -> np.ndarray:
    """Which classes have no scores at all, (k,); any other value that is not finite is an error."""
    absent = np.isnan(scores).all(axis=0)
    if absent.all():
        absent[:] = False
    require_finite(name, scores[:, ~absent])
    return np.asarray(absent)


def _by_class(
    predictions: Mapping[str, np.ndarray], rows: np.ndarray, absent: np.ndarray, seed: int
) -> list[ClassScores]:
    truth, scores = predictions["truth"], predictions["scores"]
    validation = rows_of(predictions, "validation")
    return [
        unscored(NO_SCORES)
        if absent[column]
        else score_class(
            (truth[rows, column], scores[rows, column]),
            (truth[validation, column], scores[validation, column]),
            generator_from("chance_level", seed, str(name)),
        )
        for column, name in enumerate(predictions["classes"])
    ]


def _auc_metric(
    truth: np.ndarray,
    scores: np.ndarray,
    names: tuple[str, ...],
    drawn: Mapping[int, np.ndarray],
    few: FewCases,
) -> tuple[Metric, dict[str, int]]:
    """AUC with intervals, and the number of undefined replicates by class and of the mean."""
    values = {name: float("nan") for name in names}
    for column in drawn:
        values[names[column]] = float(rank_auc(truth[:, column], scores[:, column]))
    reasons = {
        name: why_undefined(truth[:, column]) or NO_SCORES for column, name in enumerate(names)
    }
    of_class = {names[column]: one for column, one in drawn.items()}
    mean = float(np.mean([values[name] for name in of_class])) if of_class else float("nan")
    interval, intervals, dropped = replicated(
        of_class, few.of_auc(scores), few.mean_of_auc(of_class, mean)
    )
    metric = mean_over_classes(
        values, reasons, chance=AUC_CHANCE, interval=interval, interval_per_class=intervals
    )
    return metric, dropped


def _metric(
    metric: str,
    names: tuple[str, ...],
    by_class: list[ClassScores],
    drawn: Mapping[int, np.ndarray],
    few: FewCases,
) -> tuple[Metric, dict[str, int]]:
    replicates = {
        names[c]: recentred(one, by_class[c].values[metric]) if metric in BY_TEST.values() else one
        for c, one in drawn.items()
    }
    interval, intervals, dropped = replicated(
        replicates, few.without(), few.without_mean(replicates)
    )
    of_class = dict(zip(names, by_class, strict=True))
    found = mean_over_classes(
        {name: one.values[metric] for name, one in of_class.items()},
        {name: one.reasons.get(metric, "") for name, one in of_class.items()},
        chance=mean_chance([one.chance[metric] for one in by_class if metric in one.chance]),
        best=None if metric in NO_BEST else 1.0,
        interval=interval,
        interval_per_class=intervals,
    )
    return found, dropped


def _thresholds(
    predictions: Mapping[str, np.ndarray], names: tuple[str, ...], by_class: list[ClassScores]
) -> dict[str, Any]:
    """The thresholds by class, what chose them, and from how many images."""
    chosen = {
        rule: {
            name: None if np.isnan(one.thresholds[rule]) else one.thresholds[rule]
            for name, one in zip(names, by_class, strict=True)
        }
        for rule in CHOSEN_BY
    }
    images = {split: len(rows_of(predictions, split)) for split in ("validation", "test")}
    return {
        "f1_thresholds": {rule: chosen[rule] for rule in images},
        "mcc_thresholds": {"test": chosen["test_mcc"]},
        "thresholds_chosen_by": dict(CHOSEN_BY),
        "thresholds_images": images,
    }
