"""Boxes of a trained detector in the images of a split, in pixels of the original images."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from benchmark.detection.boxes import square_to_frame
from benchmark.metrics.detection import split_precision
from benchmark.protocols.detect_arrays import FoundBoxes
from benchmark.recipes.detect import DetectRecipe
from benchmark.training.device import choose_precision

if TYPE_CHECKING:
    from benchmark.detection.detector import Detections, Detector
    from benchmark.detection.truth import BoxTruth
    from benchmark.protocols.context import CellContext
    from benchmark.protocols.inputs import InputReader


def precision_on(
    context: CellContext,
    detector: Detector,
    reader: InputReader,
    validation: BoxTruth,
    rows: np.ndarray,
) -> float:
    """Average precision on some of the validation images."""
    recipe = cast(DetectRecipe, context.recipe)
    chosen = validation.among(np.isin(validation.rows, rows))
    arrays = {
        **found_boxes(context, detector, reader, chosen, 0).arrays(),
        "ids": np.arange(len(chosen)),
        "split": np.full(len(chosen), "validation"),
        "classes": np.array(context.task.classes, dtype=np.str_),
        "truth_boxes": chosen.boxes,
        "truth_image": chosen.image,
        "truth_class": chosen.labels,
    }
    return split_precision(arrays, recipe, "validation", recipe.selection_metric) or 0.0


def found_boxes(
    context: CellContext,
    detector: Detector,
    reader: InputReader,
    truth: BoxTruth,
    first: int,
) -> FoundBoxes:
    """Boxes in every image of a split, whose first image has the position `first`."""
    recipe = cast(DetectRecipe, context.recipe)
    detector.eval()
    precision = choose_precision(recipe.precision, context.device)
    parts, place = [], 0
    batch = recipe.evaluation_batch or recipe.batch_size
    for _, images in reader.batches(truth.rows, batch, stage="detecting"):
        with precision.autocast():
            detections = detector.predict(images)
        for one in detections:
            parts.append(_in_frame(one, truth.frames[place], reader.size, recipe, first + place))
            place += 1
    return FoundBoxes.joined(parts)


def _in_frame(
    found: Detections, frame: np.ndarray, size: int, recipe: DetectRecipe, image: int
) -> FoundBoxes:
    height, width = (int(side) for side in frame)
    corners = found.boxes.float().cpu().numpy()
    boxes = square_to_frame(corners, height, width, size, recipe.geometry)
    kept = np.flatnonzero((boxes[:, 2:] > 0).all(axis=1))[: recipe.boxes_per_image]
    return FoundBoxes(
        boxes[kept],
        found.scores.float().cpu().numpy()[kept],
        np.full(len(kept), image, dtype=np.int64),
        found.labels.cpu().numpy().astype(np.int64)[kept],
    )
