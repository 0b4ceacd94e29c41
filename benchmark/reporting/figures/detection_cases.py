"""Which detections of stored predictions a picture shows, and how well they fit an image.

A detector gives up to a hundred boxes an image, most of them of a low score. Shown are those above
the score with the best F1 at an IoU of 0.5 on the validation images, each method's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from benchmark.metrics.detection_matches import THRESHOLDS
from benchmark.metrics.detection_sample import read_sample
from benchmark.metrics.predictions import rows_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmark.metrics.detection_sample import MatchedSample
    from benchmark.recipes import DetectRecipe
    from benchmark.reporting.figures.material import Shown

AT_HALF = int(np.flatnonzero(THRESHOLDS == 0.5)[0])


@dataclass(frozen=True)
class Detections:
    """The boxes of one method's record."""

    shown: Shown
    predictions: Mapping[str, np.ndarray]
    recipe: DetectRecipe

    @cached_property
    def rows(self) -> np.ndarray:
        """Positions of the test images, (n,)."""
        return rows_of(self.predictions, "test")

    @cached_property
    def row_of(self) -> dict[str, int]:
        """Position of every test image by its id."""
        return {str(self.predictions["ids"][row]): int(row) for row in self.rows}

    @cached_property
    def lowest_score(self) -> float:
        """Detections of this score and higher ones are shown."""
        rows = rows_of(self.predictions, "validation")
        best = best_score(read_sample(self.predictions, rows, self.recipe)) if len(rows) else None
        return float(self.recipe.published_score_threshold) if best is None else best

    @cached_property
    def f1(self) -> dict[str, float]:
        """F1 of the shown detections of every test image by its id; NaN without a true box."""
        sample = read_sample(self.predictions, self.rows, self.recipe)
        values = image_f1(sample, self.lowest_score)
        names = (str(self.predictions["ids"][row]) for row in self.rows)
        return dict(zip(names, values.tolist(), strict=True))

    def truth(self, image: str) -> np.ndarray:
        """True boxes (m, 4) of an image, x y w h in its pixels."""
        mine = np.asarray(self.predictions["truth_image"]) == self.row_of[image]
        return np.asarray(np.asarray(self.predictions["truth_boxes"]).reshape(-1, 4)[mine])

    def boxes(self, image: str) -> tuple[np.ndarray, np.ndarray]:
        """The shown boxes (m, 4) of an image and their scores, the highest first."""
        scores = np.asarray(self.predictions["box_scores"], dtype=np.float64)
        mine = np.asarray(self.predictions["box_image"]) == self.row_of[image]
        kept = np.flatnonzero(mine & (scores >= self.lowest_score))
        kept = kept[np.argsort(-scores[kept], kind="stable")][: self.recipe.boxes_per_image]
        return np.asarray(self.predictions["boxes"]).reshape(-1, 4)[kept], scores[kept]

    def frame(self, image: str) -> tuple[float, float]:
        """Height and width of an image; the extent of its boxes where that is not stored."""
        if "frames" in self.predictions:
            height, width = self.predictions["frames"][self.row_of[image]]
            return float(height), float(width)
        every = np.concatenate([self.truth(image), self.boxes(image)[0]])
        width, height = (every[:, :2] + every[:, 2:]).max(axis=0, initial=1.0)
        return float(height), float(width)


def best_score(sample: MatchedSample) -> float | None:
    """The lowest score of the detections with the best F1 at an IoU of 0.5.

    Detections of equal score enter together. None where none finds a true box.
    """
    scores = np.concatenate([one.scores for one in sample.matches])
    truths = sum(int(one.truths.sum()) for one in sample.matches)
    order = np.argsort(-scores, kind="stable")
    hits = np.concatenate([one.hits[AT_HALF] for one in sample.matches])[order]
    if not hits.any():
        return None
    last = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    f1 = 2 * np.cumsum(hits)[last] / (last + 1 + truths)
    return float(scores[order][last[int(np.argmax(f1))]])


def image_f1(sample: MatchedSample, lowest_score: float) -> np.ndarray:
    """F1 at an IoU of 0.5 of each image's detections above a score, (n,); NaN without a box."""
    found, given, true = np.zeros((3, sample.images))
    for one in sample.matches:
        kept = one.scores >= lowest_score
        given += np.bincount(one.image[kept], minlength=sample.images)
        found += np.bincount(one.image[kept & one.hits[AT_HALF]], minlength=sample.images)
        true += one.truths
    return np.where(true > 0, 2 * found / np.maximum(given + true, 1), np.nan)
