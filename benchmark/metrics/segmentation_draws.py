"""Segmentation metrics of a random sentinel: means over its draws.

The distance of a Dice from its level of chance is measured by the standard error that the
hypergeometric distribution gives, which is known and not estimated from the draws; that of IoU,
which has no level, comes from the draws.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.interfaces import Metric
from benchmark.metrics.segmentation_pixels import NO_EMPTY, NO_TARGET

if TYPE_CHECKING:
    from benchmark.metrics.segmentation_pixels import PixelCounts

NORMAL_95 = 1.959963984540054


def score_draws(
    counts: PixelCounts,
) -> tuple[dict[str, Metric], dict[str, np.ndarray], dict[str, Any]]:
    """Metrics, arrays by image (means over the draws), and entries for `selection`.

    Args:
        counts: With `predicted` and `common` (n, draws).
    """
    values = counts.per_image()
    everywhere = np.ones(len(counts.true), dtype=bool)
    left = np.where(counts.nonempty[:, None], np.nan, counts.predicted == 0)
    rows = {
        "dice_nonempty": (values["dice_nonempty"], counts.nonempty, NO_TARGET),
        "dice_empty_is_one": (values["dice"], everywhere, NO_TARGET),
        "iou_nonempty": (values["iou_nonempty"], counts.nonempty, NO_TARGET),
        "empty_left_empty": (left, ~counts.nonempty, NO_EMPTY),
    }
    levels, variances = counts.chance_levels(), counts.chance_variances()
    metrics: dict[str, Metric] = {}
    errors: dict[str, float | None] = {}
    for name, (scores, chosen, why) in rows.items():
        if not chosen.any():
            metrics[name], errors[name] = Metric(None, why, best=1.0), None
            continue
        metrics[name], errors[name] = _over_draws(scores[chosen])
        if name.startswith("dice"):
            chance = float(levels[chosen].mean())
            metrics[name] = _with_chance(metrics[name], chance)
            errors[name] = float(np.sqrt(variances[chosen].sum())) / variances[chosen].size
    described = {
        "draws": int(counts.predicted.shape[1]),
        "standard_error": errors,
        "interval": "1.96 standard errors of the mean over draws",
    }
    return metrics, {name: array.mean(axis=1) for name, array in values.items()}, described


def _over_draws(scores: np.ndarray) -> tuple[Metric, float | None]:
    """Mean over images and draws (n, draws), and the standard error over the draws."""
    means = scores.mean(axis=0)
    value = float(means.mean())
    if len(means) < 2:
        return Metric(value, "no interval: a single draw", best=1.0, n=len(scores)), None
    error = float(means.std(ddof=1) / np.sqrt(len(means)))
    half = NORMAL_95 * error
    return Metric(value, interval=(value - half, value + half), best=1.0, n=len(scores)), error


def _with_chance(metric: Metric, chance: float) -> Metric:
    return Metric(
        metric.value,
        why=metric.why,
        interval=metric.interval,
        best=metric.best,
        chance=chance,
        n=metric.n,
    )
