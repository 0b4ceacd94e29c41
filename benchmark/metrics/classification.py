"""Classification metrics, each averaged over the classes on which it is defined.

- `auc`: area under the ROC curve per class on the test split, a tie counts half; undefined
  without a positive or without a negative case. `auc_cosine`: the same of `scores_cosine`.
- `average_precision`: no interpolation.
- `f1_validation_threshold`, `accuracy_validation_threshold`: at the threshold per class of best
  F1 on the validation split.
- `f1_test_threshold_published`, `accuracy_test_threshold_published`: the papers' rule, the
  threshold of best F1 on the test split itself. It looks at the answers; named so.

Intervals are 95 % percentile intervals of a bootstrap by patient. A replicate in which a class
has no positive or no negative case is dropped for that class and for the mean, and counted in
`selection["bootstrap"]`.

Predictions: `ids`, `patients`, `split`, `classes` (k), `truth` (n, k) with NaN for unknown, and
`scores` (n, k), or `scores_draws` (n, k, draws) of a sentinel: then every metric is the mean over
draws, its interval is 1.96 standard errors of that mean, and `selection["standard_error"]` holds
the standard errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.interfaces import Metric, Scores
from benchmark.metrics.predictions import require, require_finite, rows_of, test_rows
from benchmark.metrics.ranking import (
    average_precision,
    best_f1_threshold,
    bootstrap_auc,
    f1_and_accuracy,
    rank_auc,
    why_undefined,
)
from benchmark.statistics.bootstrap import PatientBootstrap, percentile_interval

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmark.recipes import Recipe

AUC_CHANCE = 0.5
DRAWS_OF_THRESHOLD_METRICS = 20
"""Thresholds are searched per draw, so F1, accuracy and AP use the first 20 draws only."""


def score(
    predictions: Mapping[str, np.ndarray], recipe: Recipe, seed: int, replicates: int
) -> Scores:
    """Score stored predictions.

    Args:
        predictions: See the module's docstring.
        recipe: Not used by classification; part of the call that all metrics modules share.
        seed: The bootstrap axis.
        replicates: Bootstrap replicates; 0 gives no intervals.
    """
    require(predictions, "ids", "patients", "split", "classes", "truth")
    rows = test_rows(predictions)
    if "scores_draws" in predictions:
        return _score_draws(predictions, rows)
    require(predictions, "scores")
    names = tuple(str(name) for name in predictions["classes"])
    truth, scores = predictions["truth"], predictions["scores"]
    bootstrap = PatientBootstrap.draw(predictions["patients"][rows], replicates, seed)
    metrics, dropped = {}, {}
    for metric, key in (("auc", "scores"), ("auc_cosine", "scores_cosine")):
        if key in predictions:
            require_finite(key, predictions[key])
            metrics[metric], dropped[metric] = _auc_metric(
                truth[rows], predictions[key][rows], names, bootstrap
            )
    others, selection = _threshold_metrics(predictions, scores, rows, names)
    metrics |= others
    selection["bootstrap"] = {
        "replicates": replicates,
        "patients": bootstrap.patients,
        "undefined_replicates": dropped,
    }
    per_sample = {
        "ids": predictions["ids"][rows],
        "patients": predictions["patients"][rows],
        "truth": truth[rows],
        "scores": scores[rows],
    }
    return Scores(metrics, per_sample, selection)


def _auc_metric(
    truth: np.ndarray, scores: np.ndarray, names: tuple[str, ...], bootstrap: PatientBootstrap
) -> tuple[Metric, dict[str, int]]:
    """AUC with intervals, and the number of undefined replicates by class and of the mean."""
    values: dict[str, float] = {}
    reasons: dict[str, str] = {}
    intervals: dict[str, tuple[float, float] | None] = {}
    dropped: dict[str, int] = {}
    drawn: list[np.ndarray] = []
    for column, name in enumerate(names):
        labels = truth[:, column]
        reason = why_undefined(labels)
        if reason:
            values[name], intervals[name] = float("nan"), None
            reasons[name] = reason
            continue
        values[name] = float(rank_auc(labels, scores[:, column]))
        drawn.append(bootstrap_auc(labels, scores[:, column], bootstrap))
        interval = percentile_interval(drawn[-1])
        intervals[name], dropped[name] = interval.bounds, interval.undefined
    mean = percentile_interval(np.mean(drawn, axis=0)) if drawn else None
    if mean is not None:
        dropped["mean"] = mean.undefined
    metric = _mean_over_classes(
        values,
        reasons,
        chance=AUC_CHANCE,
        interval=mean.bounds if mean else None,
        why=mean.why if mean and bootstrap.replicates else "",
        interval_per_class=intervals,
    )
    return metric, dropped


def _mean_over_classes(
    values: Mapping[str, float],
    reasons: Mapping[str, str],
    *,
    chance: float | None = None,
    interval: tuple[float, float] | None = None,
    why: str = "",
    interval_per_class: Mapping[str, tuple[float, float] | None] | None = None,
) -> Metric:
    """The mean over the defined (not NaN) classes; `why` explains a missing interval."""
    per_class = {name: None if np.isnan(value) else value for name, value in values.items()}
    defined = [value for value in per_class.values() if value is not None]
    if not defined:
        whys = sorted(set(reasons.values())) or ["no classes"]
        return Metric(None, "; ".join(whys), None, per_class, dict(reasons), 1.0, chance)
    return Metric(
        value=float(np.mean(defined)),
        why=f"no interval: {why}" if why else "",
        interval=interval,
        per_class=per_class,
        why_per_class=dict(reasons),
        best=1.0,
        chance=chance,
        n=len(defined),
        interval_per_class=dict(interval_per_class or {}),
    )


def _threshold_metrics(
    predictions: Mapping[str, np.ndarray],
    scores: np.ndarray,
    rows: np.ndarray,
    names: tuple[str, ...],
) -> tuple[dict[str, Metric], dict[str, Any]]:
    """Average precision, F1 and accuracy of `scores` (n, k), and the thresholds chosen."""
    require_finite("scores", scores)
    truth, validation = predictions["truth"], rows_of(predictions, "validation")
    values: dict[str, dict[str, float]] = {}
    reasons: dict[str, dict[str, str]] = {}
    thresholds: dict[str, dict[str, float | None]] = {"validation": {}, "test": {}}
    for column, name in enumerate(names):
        labels, column_scores = truth[rows, column], scores[rows, column]
        reason = why_undefined(labels)
        row = {"average_precision": average_precision(labels, column_scores)}
        why = {"average_precision": reason}
        for split, chosen_on, suffix in (
            ("validation", validation, "validation_threshold"),
            ("test", rows, "test_threshold_published"),
        ):
            threshold = best_f1_threshold(truth[chosen_on, column], scores[chosen_on, column])
            thresholds[split][name] = None if np.isnan(threshold) else threshold
            row[f"f1_{suffix}"], row[f"accuracy_{suffix}"] = f1_and_accuracy(
                labels, column_scores, threshold
            )
            none_to_choose = "no positive case in validation" if np.isnan(threshold) else ""
            positive = bool((labels == 1).any())
            why[f"f1_{suffix}"] = why[f"accuracy_{suffix}"] = (
                none_to_choose if positive else "no positive case"
            )
        for metric, value in row.items():
            values.setdefault(metric, {})[name] = value
            if np.isnan(value):
                reasons.setdefault(metric, {})[name] = why[metric]
    metrics = {
        metric: _mean_over_classes(column, reasons.get(metric, {}))
        for metric, column in values.items()
    }
    return metrics, {"f1_thresholds": thresholds}


def _score_draws(predictions: Mapping[str, np.ndarray], rows: np.ndarray) -> Scores:
    """Means over the draws of a random sentinel."""
    names = tuple(str(name) for name in predictions["classes"])
    truth, scores = predictions["truth"], predictions["scores_draws"]
    draws = scores.shape[2]
    reasons = {
        name: why
        for column, name in enumerate(names)
        if (why := why_undefined(truth[rows, column]))
    }
    by_class = np.stack([rank_auc(truth[rows, c], scores[rows, c]) for c in range(len(names))])
    auc, error = _mean_of_draws(by_class, names, reasons, AUC_CHANCE)
    metrics, errors = {"auc": auc}, {"auc": error}
    few = [
        _threshold_metrics(predictions, scores[:, :, draw], rows, names)[0]
        for draw in range(min(draws, DRAWS_OF_THRESHOLD_METRICS))
    ]
    for metric in few[0]:
        columns = [[_nan(one[metric].per_class[name]) for one in few] for name in names]
        absent = few[0][metric].why_per_class
        metrics[metric], errors[metric] = _mean_of_draws(np.array(columns), names, absent, None)
    selection = {
        "draws": {metric: draws if metric == "auc" else len(few) for metric in metrics},
        "standard_error": errors,
        "interval": "1.96 standard errors of the mean over draws",
    }
    per_sample = {key: predictions[key][rows] for key in ("ids", "patients", "truth")}
    return Scores(metrics, per_sample, selection)


def _mean_of_draws(
    by_class: np.ndarray, names: tuple[str, ...], reasons: Mapping[str, str], chance: float | None
) -> tuple[Metric, float | None]:
    """Metric from (k, draws) values and the standard error of its mean over draws."""
    means = {name: float(np.mean(by_class[row])) for row, name in enumerate(names)}
    defined = by_class[np.isfinite(by_class).all(axis=1)]
    draws = by_class.shape[1]
    if len(defined) == 0 or draws < 2:
        return _mean_over_classes(means, reasons, chance=chance), None
    error = float(np.std(defined.mean(axis=0), ddof=1) / np.sqrt(draws))
    middle = float(defined.mean())
    bounds = (middle - 1.96 * error, middle + 1.96 * error)
    return _mean_over_classes(means, reasons, chance=chance, interval=bounds), error


def _nan(value: float | None) -> float:
    return float("nan") if value is None else value
