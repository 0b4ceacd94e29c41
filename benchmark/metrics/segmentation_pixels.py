"""Pixel counts of predicted and true masks, and the scores of images that follow from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NO_TARGET = "no image with a target"
NO_EMPTY = "no image with an empty target"


def dice_from_counts(common: np.ndarray, predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Dice from pixel counts of the intersection, the prediction and the target.

    An empty target gives 1 for an empty prediction, else 0. Shapes as numpy broadcasts them.
    """
    total = np.asarray(predicted) + np.asarray(true)
    dice = 2 * np.asarray(common) / np.maximum(total, 1)
    scores = np.where(np.asarray(true) == 0, np.asarray(predicted) == 0, dice)
    return np.asarray(scores, dtype=np.float64)


@dataclass(frozen=True)
class PixelCounts:
    """Counts of n images, all in the frame that the masks are compared in.

    Attributes:
        predicted: Pixels of the prediction, (n,) or (n, draws).
        common: Pixels of the prediction and of the target.
        true: Pixels of the target, (n,).
        pixels: Pixels of the frame, (n,).
    """

    predicted: np.ndarray
    common: np.ndarray
    true: np.ndarray
    pixels: np.ndarray

    @property
    def nonempty(self) -> np.ndarray:
        """Whether the target of an image has a pixel, (n,)."""
        return np.asarray(self.true > 0)

    def dice(self) -> np.ndarray:
        """Of each image, an empty target as in `dice_from_counts`; the shape of `predicted`."""
        return dice_from_counts(self.common, self.predicted, self._like(self.true))

    def iou(self) -> np.ndarray:
        """Of each image; NaN where the target is empty."""
        true = self._like(self.true)
        union = np.maximum(self.predicted + true - self.common, 1)
        return np.where(true > 0, self.common / union, np.nan)

    def per_image(self) -> dict[str, np.ndarray]:
        """`dice` (an empty target counted), and `dice_nonempty`, `iou_nonempty` with NaN there."""
        dice = self.dice()
        inside = self._like(self.nonempty)
        return {
            "dice": dice,
            "dice_nonempty": np.where(inside, dice, np.nan),
            "iou_nonempty": self.iou(),
        }

    def means(self) -> tuple[float | None, float | None]:
        """`dice_nonempty` and `dice_empty_is_one`; None where no image defines it."""
        dice = self.dice()
        targets = dice[self.nonempty]
        return (
            float(targets.mean()) if len(targets) else None,
            float(dice.mean()) if len(dice) else None,
        )

    def chance_levels(self) -> np.ndarray:
        """Mean Dice of each image over all places that its predicted pixels could have."""
        true, pixels = self._like(self.true), self._like(self.pixels)
        common = self.predicted * (true / np.maximum(pixels, 1))
        return dice_from_counts(common, self.predicted, true)

    def chance_variances(self) -> np.ndarray:
        """Variance of Dice of each image over all those places (hypergeometric)."""
        true, pixels = self._like(self.true), self._like(self.pixels)
        share = true / np.maximum(pixels, 1)
        left = (pixels - self.predicted) / np.maximum(pixels - 1, 1)
        variance = self.predicted * share * (1 - share) * left
        return np.asarray(4 * variance / np.maximum(self.predicted + true, 1) ** 2)

    def _like(self, values: np.ndarray) -> np.ndarray:
        """(n,) as (n, 1) where the predictions have draws."""
        return values[:, None] if self.predicted.ndim == 2 else values
