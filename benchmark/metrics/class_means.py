"""Means over classes, and over the draws of a random sentinel, as metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from benchmark.interfaces import Metric
from benchmark.statistics.bootstrap import Interval, percentile_interval

if TYPE_CHECKING:
    from collections.abc import Sequence


def mean_over_classes(
    values: Mapping[str, float],
    reasons: Mapping[str, str],
    *,
    chance: float | None = None,
    best: float | None = 1.0,
    interval: Interval | None = None,
    interval_per_class: Mapping[str, Interval] | None = None,
) -> Metric:
    """The mean over the defined (not NaN) classes; without one the reasons of all.

    Args:
        values: By class.
        reasons: Why a class is undefined.
        chance: Level of chance of the mean.
        best: Best value.
        interval: Of the mean; where its bounds are None and it rests on any replicate, `why`
            says why there is none.
        interval_per_class: Of the defined classes.
    """
    per_class = {name: None if np.isnan(value) else value for name, value in values.items()}
    whys = {name: reasons[name] for name, value in per_class.items() if value is None}
    defined = [value for value in per_class.values() if value is not None]
    if not defined:
        joined = "; ".join(sorted(set(whys.values())) or ["no classes"])
        return Metric(None, joined, None, per_class, whys, best, chance)
    drawn = interval is not None and interval.replicates > 0
    intervals = interval_per_class or {}
    return Metric(
        value=float(np.mean(defined)),
        why=f"no interval: {interval.why}" if interval and drawn and interval.why else "",
        interval=interval.bounds if interval else None,
        per_class=per_class,
        why_per_class=whys,
        best=best,
        chance=chance,
        n=len(defined),
        interval_per_class={
            name: intervals[name].bounds if name in intervals else None for name in per_class
        }
        if interval
        else {},
    )


def mean_chance(levels: Sequence[float]) -> float | None:
    """Level of chance of a mean over classes, from those of the defined classes."""
    return float(np.mean(levels)) if len(levels) else None


def replicated(
    drawn: Mapping[str, np.ndarray],
    few: Mapping[str, Interval] | None = None,
    of_mean: Interval | None = None,
) -> tuple[Interval | None, dict[str, Interval], dict[str, int]]:
    """Intervals from the replicates of each defined class, (r,) by class.

    A replicate that is undefined (NaN) for one class is undefined for the mean. The mean of one
    class is that class.

    Args:
        drawn: Replicates by class.
        few: What stands in place of the percentiles of a class with few cases.
        of_mean: What stands in place of the percentiles of the mean over several classes.

    Returns:
        Interval of the mean (None without a class), those of the classes, and the number of
        undefined replicates by class and of the `mean`.
    """
    if not drawn:
        return None, {}, {}
    intervals = {name: percentile_interval(values) for name, values in drawn.items()}
    mean = percentile_interval(np.mean(list(drawn.values()), axis=0))
    dropped = {name: interval.undefined for name, interval in intervals.items()}
    dropped["mean"] = mean.undefined
    if mean.replicates:
        intervals |= {name: one for name, one in (few or {}).items() if name in drawn}
    if len(drawn) == 1:
        (mean,) = intervals.values()
    elif of_mean is not None:
        mean = of_mean
    return mean, intervals, dropped


def mean_of_draws(
    by_class: Mapping[str, np.ndarray],
    reasons: Mapping[str, str],
    *,
    chance: float | None,
    best: float | None = 1.0,
) -> tuple[Metric, float | None]:
    """Metric from the values of each class in every draw, (draws,), NaN where undefined.

    Returns:
        The metric, whose interval is 1.96 standard errors of its mean over draws, and that
        standard error; None with fewer than two draws or no defined class.
    """
    values = {name: float(np.mean(drawn)) for name, drawn in by_class.items()}
    defined = np.array([drawn for drawn in by_class.values() if np.isfinite(drawn).all()])
    metric = mean_over_classes(values, reasons, chance=chance, best=best)
    if len(defined) == 0 or defined.shape[1] < 2:
        return metric, None
    error = float(np.std(defined.mean(axis=0), ddof=1) / np.sqrt(defined.shape[1]))
    middle = float(defined.mean())
    bounds = (middle - 1.96 * error, middle + 1.96 * error)
    return Metric(**{**metric.__dict__, "interval": bounds}), error
