"""Accuracy where exactly one of several classes holds: the class of the highest score wins.

- `accuracy_argmax`: share of the cases whose true class has the highest score. A tie between m
  classes that holds the true one counts 1 / m, so the order of the classes has no influence, and
  constant scores stand at chance. Chance: 1 / k.
- `balanced_accuracy_argmax`: the same share among the cases of each class, then the mean over
  the classes that have a case. Chance: 1 / k.

A case without exactly one positive label is left out; without any case, or without scores of
every class, both are undefined. No threshold is chosen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmark.interfaces import Metric
from benchmark.metrics.class_means import mean_of_draws, mean_over_classes, replicated
from benchmark.statistics.bootstrap import percentile_interval

if TYPE_CHECKING:
    from benchmark.metrics.few_cases import FewCases
    from benchmark.statistics.bootstrap import PatientBootstrap

ACCURACY, BALANCED = "accuracy_argmax", "balanced_accuracy_argmax"
NO_CASE = "no case with exactly one positive class"


def argmax_credit(truth: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """What each case counts: 1, 0, or 1 / m of a tie; NaN without exactly one positive class.

    Args:
        truth: (n, k), NaN for unknown.
        scores: (n, k), or (n, k, draws).

    Returns:
        (n,), or (n, draws).
    """
    values = np.asarray(scores)
    highest = values == values.max(axis=1, keepdims=True)
    labels = np.asarray(truth) == 1
    true_class = np.argmax(labels, axis=1).reshape(-1, *[1] * (values.ndim - 1))
    won = np.take_along_axis(highest, true_class, axis=1)[:, 0]
    credit = won / highest.sum(axis=1)
    usable = (labels.sum(axis=1) == 1).reshape(-1, *[1] * (credit.ndim - 1))
    return np.where(usable, credit, np.nan)


def argmax_metrics(
    truth: np.ndarray,
    scores: np.ndarray,
    names: tuple[str, ...],
    bootstrap: PatientBootstrap,
    few: FewCases,
    unscored: tuple[str, ...] = (),
) -> tuple[dict[str, Metric], dict[str, dict[str, int]]]:
    """Both metrics of scores (n, k), and their undefined replicates.

    Args:
        truth: (n, k).
        scores: (n, k).
        names: Of the classes.
        bootstrap: Of the n samples.
        few: Classes with few cases.
        unscored: Classes without scores; with one of them nothing can win.
    """
    by_class = _by_class(truth, argmax_credit(truth, scores))
    chance = 1 / len(names)
    if unscored or not np.isfinite(by_class).any():
        why = f"no scores for {', '.join(unscored)}" if unscored else NO_CASE
        return {name: Metric(None, why, best=1.0, chance=chance) for name in _BOTH}, {}
    credit = np.nansum(by_class, axis=1)
    credit[np.isnan(by_class).all(axis=1)] = np.nan
    interval = percentile_interval(
        bootstrap.means(credit), patients=bootstrap.patients_with_value(credit)
    )
    drawn = bootstrap.means(by_class)
    known = np.isfinite(by_class).any(axis=0)
    cases = {name: drawn[:, c] for c, name in enumerate(names) if known[c]}
    mean, intervals, dropped = replicated(cases, few.without(), few.without_mean(cases))
    accuracy = Metric(
        float(np.nanmean(credit)),
        why=f"no interval: {interval.why}" if interval.why and bootstrap.replicates else "",
        interval=interval.bounds,
        best=1.0,
        chance=chance,
        n=int(np.isfinite(credit).sum()),
    )
    balanced = mean_over_classes(
        {name: _mean(by_class[:, c]) for c, name in enumerate(names)},
        dict.fromkeys(names, "no positive case"),
        chance=chance,
        interval=mean,
        interval_per_class=intervals,
    )
    undefined = {ACCURACY: {"mean": interval.undefined}, BALANCED: dropped}
    return {ACCURACY: accuracy, BALANCED: balanced}, undefined


def argmax_draws(
    truth: np.ndarray, scores: np.ndarray, names: tuple[str, ...]
) -> tuple[dict[str, Metric], dict[str, float | None]]:
    """Both metrics of a random sentinel's scores (n, k, draws), and their standard errors."""
    credit, chance = argmax_credit(truth, scores), 1 / len(names)
    usable = np.isfinite(credit[:, 0])
    if not usable.any():
        metrics = {name: Metric(None, NO_CASE, best=1.0, chance=chance) for name in _BOTH}
        return metrics, dict.fromkeys(_BOTH)
    whole, error = mean_of_draws({"all": credit[usable].mean(axis=0)}, {}, chance=chance)
    accuracy = Metric(
        whole.value, interval=whole.interval, best=1.0, chance=chance, n=int(usable.sum())
    )
    absent = np.full(credit.shape[1], np.nan)
    of_class = {
        name: credit[rows].mean(axis=0) if (rows := usable & (truth[:, c] == 1)).any() else absent
        for c, name in enumerate(names)
    }
    reasons = dict.fromkeys(names, "no positive case")
    balanced, balanced_error = mean_of_draws(of_class, reasons, chance=chance)
    return {ACCURACY: accuracy, BALANCED: balanced}, {ACCURACY: error, BALANCED: balanced_error}


_BOTH = (ACCURACY, BALANCED)


def _by_class(truth: np.ndarray, credit: np.ndarray) -> np.ndarray:
    """The credit of each case in the column of its class, (n, k), NaN elsewhere."""
    return np.where(np.asarray(truth) == 1, credit[:, None], np.nan)


def _mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
