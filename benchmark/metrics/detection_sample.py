"""Stored detections as matches of every class, and what the published rule leaves of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from benchmark.errors import BadDataError
from benchmark.metrics.detection_matches import THRESHOLDS, Boxes, Matches, match
from benchmark.metrics.detection_precision import average_precision, replicated_precision
from benchmark.metrics.predictions import require_finite

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmark.recipes.detect import DetectRecipe
    from benchmark.statistics.bootstrap import PatientBootstrap

RANGES = {"ap_50_95": (0.5, 0.95), "ap_40_75": (0.4, 0.75), "ap_50": (0.5, 0.5)}
"""First and last IoU threshold of each metric, in steps of 0.05."""


@dataclass(frozen=True)
class MatchedSample:
    """Some images with the matches of every class.

    Attributes:
        classes: Names, k of them.
        matches: Of each class.
        images: How many images are counted.
    """

    classes: tuple[str, ...]
    matches: tuple[Matches, ...]
    images: int

    def values(self, metric: str) -> dict[str, float | None]:
        """Average precision of each class, mean over the metric's thresholds; None if undefined."""
        places = thresholds_of(metric)
        means = [float(average_precision(one)[places, 0].mean()) for one in self.matches]
        return {
            name: value if np.isfinite(value) else None
            for name, value in zip(self.classes, means, strict=True)
        }

    def replicates(self, bootstrap: PatientBootstrap) -> np.ndarray:
        """Average precision by class, threshold and replicate, (k, t, replicates)."""
        return np.stack([replicated_precision(one, bootstrap) for one in self.matches])

    def patients(self, bootstrap: PatientBootstrap) -> list[int]:
        """Of each class, how many patients have a true box."""
        return [
            bootstrap.patients_with_value(np.where(one.truths > 0, 1.0, np.nan))
            for one in self.matches
        ]

    def published(self, lowest_score: float) -> tuple[MatchedSample, dict[str, int]]:
        """What MGCA's rule leaves (see `detection`), and how many images it leaves out."""
        n = len(self.matches[0].truths)
        truths, confident = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
        for one in self.matches:
            truths |= one.truths > 0
            confident[one.image[one.scores >= lowest_score]] = True
        kept = truths & confident
        counts = {
            "images_left": int(kept.sum()),
            "images_without_truth": int((~truths).sum()),
            "images_without_detection": int((truths & ~confident).sum()),
        }
        matches = tuple(one.among(kept, lowest_score) for one in self.matches)
        return replace(self, matches=matches, images=counts["images_left"]), counts


def thresholds_of(metric: str) -> np.ndarray:
    """Positions in `THRESHOLDS` that a metric averages over."""
    low, high = RANGES[metric]
    return np.flatnonzero((low - 1e-6 <= THRESHOLDS) & (high + 1e-6 >= THRESHOLDS))


def read_sample(
    predictions: Mapping[str, np.ndarray],
    rows: np.ndarray,
    recipe: DetectRecipe,
    draw: int | None = None,
) -> MatchedSample:
    """Match the stored detections of some images.

    Args:
        predictions: See `detection`.
        rows: Positions of the images.
        recipe: Its `boxes_per_image`.
        draw: Which draw of a random sentinel.
    """
    position = np.full(len(predictions["ids"]), -1)
    position[rows] = np.arange(len(rows))
    drawn = np.ones(len(predictions["boxes"]), dtype=bool)
    if draw is not None:
        drawn = np.asarray(predictions["box_draw"]) == draw
    classes = tuple(str(name) for name in predictions["classes"])
    found = []
    for index in range(len(classes)):
        mine = drawn & (np.asarray(predictions["box_class"]) == index)
        true = np.asarray(predictions["truth_class"]) == index
        detections = _boxes(predictions, "box", position, mine)
        truth = _boxes(predictions, "truth", position, true)
        found.append(match(detections, truth, len(rows), recipe.boxes_per_image))
    return MatchedSample(classes, tuple(found), len(rows))


def check_stored(predictions: Mapping[str, np.ndarray]) -> None:
    """Refuse numbers that are not finite, and boxes of images that are not there.

    Raises:
        BadDataError: Names the array.
    """
    for name in ("boxes", "box_scores", "truth_boxes"):
        require_finite(name, predictions[name])
    images, classes = len(predictions["ids"]), len(predictions["classes"])
    for name, limit in (("image", images), ("class", classes)):
        for kind in ("box", "truth"):
            values = np.asarray(predictions[f"{kind}_{name}"])
            if len(values) and not 0 <= values.min() <= values.max() < limit:
                raise BadDataError(
                    f"`{kind}_{name}` names a position outside the {limit} that are stored."
                )


def _boxes(
    predictions: Mapping[str, np.ndarray], kind: str, position: np.ndarray, chosen: np.ndarray
) -> Boxes:
    """Boxes of the rows that are asked for, their images by position among those rows."""
    image = position[np.asarray(predictions[f"{kind}_image"], dtype=np.int64)]
    chosen = chosen & (image >= 0)
    boxes = np.asarray(predictions["boxes" if kind == "box" else "truth_boxes"], dtype=np.float64)
    scores = np.empty(0)
    if kind == "box":
        scores = np.asarray(predictions["box_scores"], dtype=np.float64)[chosen]
    return Boxes(boxes.reshape(-1, 4)[chosen], image[chosen], scores)
