"""Recall, IoU and Dice of heat maps at every candidate threshold, and the choice of one.

The prediction at a threshold t is heat > t on the map rescaled to [-1, 1]. With P predicted and T
true pixels of a pair: recall = |P and T| / |T|, IoU = |P and T| / |P or T|, Dice = 2 |P and T| /
(|P| + |T|). An empty prediction scores 0; a pair whose mask is empty is undefined (NaN).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.errors import BadDataError
from benchmark.metrics.grounding_maps import heat_maps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmark.metrics.grounding_forms import PairSet

HALF_RANGE = 0.0
"""Half of each map's own range, on [-1, 1]: a threshold that looks at no box."""
OVERLAPS = ("recall", "iou", "dice")
CHUNK = 32


@dataclass(frozen=True)
class PixelCounts:
    """Pixels of n pairs at t thresholds.

    Attributes:
        thresholds: (t,) ascending.
        predicted: (n, t) pixels above each threshold.
        common: (n, t) of them inside the mask.
        true: (n,) pixels of the mask.
    """

    thresholds: np.ndarray
    predicted: np.ndarray
    common: np.ndarray
    true: np.ndarray

    def overlaps(self) -> dict[str, np.ndarray]:
        """Recall, IoU and Dice by name, each (n, t); NaN where the mask is empty."""
        true = np.where(self.true > 0, self.true, np.nan)[:, None]
        return {
            "recall": self.common / true,
            "iou": self.common / (self.predicted + true - self.common),
            "dice": 2 * self.common / (self.predicted + true),
        }

    def column(self, threshold: float) -> int:
        """Position of a threshold among the candidates."""
        return int(np.argmin(np.abs(self.thresholds - threshold)))


def candidates(listed: Sequence[float]) -> np.ndarray:
    """The candidate thresholds, ascending, half of the range among them.

    Raises:
        BadDataError: One lies outside [-1, 1), where nothing can be chosen.
    """
    values = np.unique(np.array([*listed, HALF_RANGE], dtype=np.float64))
    if values[0] < -1 or values[-1] >= 1:
        raise BadDataError(
            f"Thresholds lie between {values[0]:g} and {values[-1]:g}.",
            remedy="Maps are rescaled to [-1, 1]: name `map_thresholds` from -1 on and below 1.",
        )
    return values


def count_pixels(maps: np.ndarray, pairs: PairSet, thresholds: np.ndarray) -> PixelCounts:
    """Count the pixels of patch maps (n, N) above each of the thresholds (t,), ascending."""
    frame = pairs.counts.shape[-1]
    levels = len(thresholds) + 1
    single = np.asarray(thresholds, dtype=np.float32)
    everywhere = np.zeros((len(maps), levels), dtype=np.int64)
    inside = np.zeros_like(everywhere)
    for start in range(0, len(maps), CHUNK):
        piece = slice(start, start + CHUNK)
        heat = heat_maps(maps[piece], pairs.grid, frame, pairs.recipe.sigma_at_14)
        mask = pairs.counts[piece] > 0
        level = np.searchsorted(single, heat, side="left")
        level += levels * np.arange(len(heat))[:, None, None]
        for total, chosen in ((everywhere, level.ravel()), (inside, level[mask])):
            found = np.bincount(chosen, minlength=levels * len(heat))
            total[piece] = found.reshape(len(heat), levels)
    return PixelCounts(
        thresholds,
        predicted=_above(everywhere),
        common=_above(inside),
        true=inside.sum(axis=1),
    )


def _above(by_level: np.ndarray) -> np.ndarray:
    """From pixels by the number of thresholds that lie below them to pixels above each."""
    return np.asarray(by_level[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:])


def mean_dice(counts: PixelCounts) -> np.ndarray:
    """Mean Dice over the defined pairs at each threshold, (t,); NaN where no pair is defined."""
    dice = counts.overlaps()["dice"][counts.true > 0]
    return np.asarray(dice.mean(axis=0) if len(dice) else np.full(len(counts.thresholds), np.nan))


def choose_threshold(validation: PixelCounts, rule: str) -> tuple[float, dict[str, Any]]:
    """The threshold of a map, and how it was chosen.

    By the rule `validation` the candidate with the best mean Dice on the validation pairs, the
    lowest of several equally good ones; by `half`, or without a validation pair, half of the
    range.
    """
    dice = mean_dice(validation)
    known = bool(np.isfinite(dice).all())
    sweep = [
        {"threshold": float(threshold), "validation_dice": float(value) if known else None}
        for threshold, value in zip(validation.thresholds, dice, strict=True)
    ]
    if rule == "half":
        chosen, by = HALF_RANGE, "half of each map's range, by the recipe"
    elif known:
        chosen, by = float(validation.thresholds[int(np.argmax(dice))]), "mean Dice on validation"
    else:
        chosen, by = HALF_RANGE, "no validation pair: half of each map's range"
    return chosen, {"threshold": chosen, "threshold_chosen_by": by, "threshold_sweep": sweep}
