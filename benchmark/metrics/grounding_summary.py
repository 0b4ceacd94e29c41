"""From scores of pairs to metrics: means, categories, lesion sizes, intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmark.interfaces import Metric
from benchmark.statistics.bootstrap import Interval, PatientBootstrap, percentile_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmark.metrics.grounding_pairs import PairScores

BEST = {
    "cnr": None,
    "cnr_absolute": None,
    "miou": 1.0,
    "miou_official": 1.0,
    "pointing_game": 1.0,
    "pointing_game_official": 1.0,
}
"""The metrics in order, with their best value."""

CHANCE = {"cnr": 0.0}
"""By symmetry of the sign. The level of the others depends on the boxes: see the sentinels."""

NO_BOX = "no box lies in the frame"

SIZE_BOUNDS = {
    "small_lesions": "at most 4/196 of the image (4 patches of a 14 x 14 grid)",
    "medium_lesions": "over 4/196 to 16/196 of the image",
    "large_lesions": "over 16/196 of the image",
}


def _columns(scores: PairScores) -> dict[str, np.ndarray]:
    """Each metric as (n, t); it is the mean over t of the mean over defined pairs."""
    return {
        "cnr": scores.cnr[:, None],
        "cnr_absolute": scores.cnr_absolute[:, None],
        "miou": scores.iou_empty_is_zero,
        "miou_official": scores.iou,
        "pointing_game": scores.pointing_game[:, None],
        "pointing_game_official": scores.pointing_game_official[:, None],
    }


def mean_of_columns(values: np.ndarray) -> float | None:
    """Mean over columns of the mean over defined rows; columns without any are left out."""
    known = np.isfinite(values)
    size = known.sum(axis=0)
    if not size.any():
        return None
    sums = np.where(known, values, 0.0).sum(axis=0)
    return float(np.mean(sums[size > 0] / size[size > 0]))


def _interval(values: np.ndarray, bootstrap: PatientBootstrap) -> Interval:
    drawn = bootstrap.means(values)
    known = np.isfinite(drawn)
    sums = np.where(known, drawn, 0.0).sum(axis=1)
    size = known.sum(axis=1)
    means = np.where(size > 0, sums / np.maximum(size, 1), np.nan)
    return percentile_interval(means, patients=bootstrap.patients_with_value(values))


def pair_metrics(
    scores: PairScores | None,
    category: np.ndarray,
    bootstrap: PatientBootstrap,
    suffix: str = "",
    *,
    per_class_intervals: bool = False,
    why: str = "",
) -> dict[str, Metric]:
    """The six metrics of one map; undefined with `why` where `scores` is None.

    Args:
        scores: Of the test pairs.
        category: (n,) finding of each pair, for the values per class.
        bootstrap: Over the same pairs.
        suffix: Put behind each name, such as `/map_only`.
        per_class_intervals: Whether each category gets an interval.
        why: Reason where `scores` is None.
    """
    if scores is None:
        return {
            name + suffix: Metric(None, why, best=best, chance=CHANCE.get(name))
            for name, best in BEST.items()
        }
    return {
        name + suffix: column_metric(
            values,
            category,
            bootstrap,
            best=BEST[name],
            chance=CHANCE.get(name),
            why=_why(name),
            per_class_intervals=per_class_intervals,
        )
        for name, values in _columns(scores).items()
    }


def column_metric(
    values: np.ndarray,
    category: np.ndarray,
    bootstrap: PatientBootstrap,
    *,
    best: float | None,
    chance: float | None = None,
    why: str = NO_BOX,
    per_class_intervals: bool = False,
) -> Metric:
    """One metric from the scores of pairs.

    Args:
        values: (n, t), NaN where undefined; the metric is `mean_of_columns`.
        category: (n,) finding of each pair, for the values per class.
        bootstrap: Over the same pairs.
        best: The best possible value.
        chance: The level of chance, where it is known.
        why: Reason where nothing is defined.
        per_class_intervals: Whether each category gets an interval.
    """
    value = mean_of_columns(values)
    if value is None:
        return Metric(None, why, best=best, chance=chance)
    interval = _interval(values, bootstrap)
    per_class, reasons, intervals = {}, {}, {}
    for finding in np.unique(category):
        here = category == finding
        label = str(finding)
        per_class[label] = mean_of_columns(values[here])
        if per_class[label] is None:
            reasons[label] = why
        elif per_class_intervals:
            masked = np.where(here[:, None], values, np.nan)
            intervals[label] = _interval(masked, bootstrap).bounds
    return Metric(
        value=value,
        why=f"no interval: {interval.why}" if interval.why and bootstrap.replicates else "",
        interval=interval.bounds,
        per_class=per_class,
        why_per_class=reasons,
        best=best,
        chance=chance,
        n=int(np.isfinite(values).any(axis=1).sum()),
        interval_per_class=intervals,
    )


def _why(name: str) -> str:
    if name == "miou_official":
        return "every prediction is empty, or no box lies in the frame"
    return NO_BOX


def size_metrics(
    scores: PairScores, lesion_fraction: np.ndarray, bootstrap: PatientBootstrap
) -> dict[str, Metric]:
    """CNR, mIoU and pointing game by lesion size; a stratum without pairs is undefined."""
    columns = _columns(scores)
    metrics: dict[str, Metric] = {}
    for name in ("cnr", "miou", "pointing_game"):
        metrics |= column_by_size(
            name, columns[name], lesion_fraction, bootstrap, BEST[name], CHANCE.get(name)
        )
    return metrics


def column_by_size(
    name: str,
    values: np.ndarray,
    lesion_fraction: np.ndarray,
    bootstrap: PatientBootstrap,
    best: float | None,
    chance: float | None = None,
) -> dict[str, Metric]:
    """One metric of pairs (n, t) by lesion size, such as `cnr/small_lesions`."""
    patches = lesion_fraction * 196
    strata = {
        "small_lesions": (patches > 0) & (patches <= 4),
        "medium_lesions": (patches > 4) & (patches <= 16),
        "large_lesions": patches > 16,
    }
    metrics = {}
    for stratum, chosen in strata.items():
        here = np.where(chosen[:, None], values, np.nan)
        value = mean_of_columns(here)
        why = "" if chosen.any() else "no lesion of this size"
        interval = _interval(here, bootstrap).bounds if value is not None else None
        metrics[f"{name}/{stratum}"] = Metric(
            value, why, interval, best=best, chance=chance, n=int(chosen.sum())
        )
    return metrics


def draws_metrics(
    scored: Sequence[PairScores], category: np.ndarray
) -> tuple[dict[str, Metric], dict[str, float | None]]:
    """Means over the draws of a random sentinel, and the standard errors of those means."""
    metrics: dict[str, Metric] = {}
    errors: dict[str, float | None] = {}
    columns = [_columns(one) for one in scored]
    for name, best in BEST.items():
        drawn = [one[name] for one in columns]
        metrics[name], errors[name] = draws_metric(
            drawn, category, best=best, chance=CHANCE.get(name), why=_why(name)
        )
    return metrics, errors


def draws_metric(
    drawn: Sequence[np.ndarray],
    category: np.ndarray,
    *,
    best: float | None,
    chance: float | None = None,
    why: str = NO_BOX,
) -> tuple[Metric, float | None]:
    """The mean of one metric over draws (each (n, t)), and its standard error."""
    values = _defined([mean_of_columns(one) for one in drawn])
    if len(values) == 0:
        return Metric(None, why, best=best, chance=chance), None
    middle = float(values.mean())
    error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
    bounds = None if error is None else (middle - 1.96 * error, middle + 1.96 * error)
    per_class: dict[str, float | None] = {}
    for finding in np.unique(category):
        here = category == finding
        known = _defined([mean_of_columns(one[here]) for one in drawn])
        per_class[str(finding)] = float(known.mean()) if len(known) else None
    reasons = {label: why for label, value in per_class.items() if value is None}
    pairs = int(np.isfinite(drawn[0]).any(axis=1).sum())
    metric = Metric(middle, "", bounds, per_class, reasons, best=best, chance=chance, n=pairs)
    return metric, error


def _defined(values: Sequence[float | None]) -> np.ndarray:
    return np.array([value for value in values if value is not None], dtype=np.float64)
