"""Which detections find which true boxes, by the rule of COCO, image by image.

Matching is done once: at each IoU threshold the detections of an image, the highest score first,
take the free true box that they overlap most, if by at least the threshold. Everything after that
(average precision, its replicates) is counting.
"""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

if TYPE_CHECKING:
    from collections.abc import Sequence

THRESHOLDS = np.round(np.linspace(0.4, 0.95, 12), 2)
"""All IoU thresholds that any metric averages over."""

LARGEST_AREA = 1e12


@dataclass(frozen=True)
class Boxes:
    """Boxes of some images.

    Attributes:
        boxes: (m, 4) x y w h.
        image: (m,) position of each box's image, from 0 on.
        scores: (m,), or empty for true boxes.
    """

    boxes: np.ndarray
    image: np.ndarray
    scores: np.ndarray

    def of(self, chosen: np.ndarray) -> Boxes:
        """Some of the boxes, by mask or position."""
        scores = self.scores[chosen] if len(self.scores) else self.scores
        return Boxes(self.boxes[chosen], self.image[chosen], scores)


@dataclass(frozen=True)
class Matches:
    """The detections of one class, the highest score first, with what they find.

    Attributes:
        image: (m,) position of each detection's image.
        scores: (m,).
        hits: (t, m) whether it finds a true box at each of `THRESHOLDS`.
        truths: (n,) true boxes of each image.
    """

    image: np.ndarray
    scores: np.ndarray
    hits: np.ndarray
    truths: np.ndarray

    def among(self, images: np.ndarray, lowest_score: float) -> Matches:
        """The same of some images (a mask) and of detections of at least a score.

        What a detection finds depends on its image and on higher scores alone, so that nothing
        is matched anew.
        """
        kept = images[self.image] & (self.scores >= lowest_score)
        return Matches(
            self.image[kept],
            self.scores[kept],
            self.hits[:, kept],
            np.where(images, self.truths, 0),
        )


def match(detections: Boxes, truth: Boxes, images: int, limit: int) -> Matches:
    """Match the detections of one class to its true boxes.

    Detections of one image and one score are taken by their coordinates, so that the order in
    which they are stored has no influence.

    Args:
        detections: With scores.
        truth: Without.
        images: Number of images.
        limit: Detections an image that count, those of the highest scores.
    """
    detections = _first_of_each_image(detections, limit)
    truths = np.bincount(truth.image, minlength=images)
    # Without a true box nothing can be found, and COCO's loops are slow.
    searched = np.flatnonzero(truths[detections.image] > 0)
    hits = np.zeros((len(THRESHOLDS), len(detections.image)), dtype=bool)
    if len(searched):
        hits[:, searched] = _coco_hits(detections.of(searched), _ordered(truth), limit)
    # Stable, over images in order: equal scores of different images enter together anyway.
    order = np.argsort(-detections.scores, kind="stable")
    ranked = detections.of(order)
    return Matches(ranked.image, ranked.scores, hits[:, order], truths)


def _ordered(boxes: Boxes) -> Boxes:
    """By image, then by falling score, then by coordinates."""
    x, y, w, h = boxes.boxes.T
    score = -boxes.scores if len(boxes.scores) else np.zeros(len(x))
    return boxes.of(np.lexsort((h, w, y, x, score, boxes.image)))


def _first_of_each_image(detections: Boxes, limit: int) -> Boxes:
    ordered = _ordered(detections)
    starts = np.searchsorted(ordered.image, ordered.image, side="left")
    return ordered.of(np.arange(len(starts)) - starts < limit)


def _coco_hits(detections: Boxes, truth: Boxes, limit: int) -> np.ndarray:
    """(t, m) by pycocotools, in the order of the detections."""
    named = np.unique(detections.image)
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(_coco(truth, named), _coco(detections, named), "bbox")
        parameters = evaluation.params
        parameters.imgIds = [int(image) for image in named]
        parameters.iouThrs = THRESHOLDS
        parameters.maxDets = [limit]
        parameters.areaRng, parameters.areaRngLbl = [[0, LARGEST_AREA]], ["all"]
        evaluation.evaluate()
    hits = np.zeros((len(THRESHOLDS), len(detections.image)), dtype=bool)
    for found in evaluation.evalImgs:
        # Ids of annotations count from 1; 0 stands for no match.
        hits[:, np.array(found["dtIds"], dtype=np.int64) - 1] = found["dtMatches"] > 0
    return hits


def _coco(boxes: Boxes, images: Sequence[int] | np.ndarray) -> COCO:
    content: dict[str, Any] = {
        "images": [{"id": int(image)} for image in images],
        "categories": [{"id": 1}],
        "annotations": [
            {
                "id": number + 1,
                "image_id": int(image),
                "category_id": 1,
                "bbox": [float(value) for value in box],
                "area": float(box[2] * box[3]),
                "iscrowd": 0,
            }
            for number, (image, box) in enumerate(zip(boxes.image, boxes.boxes, strict=True))
        ],
    }
    for entry, score in zip(content["annotations"], boxes.scores, strict=False):
        entry["score"] = float(score)
    coco = COCO()
    coco.dataset = content
    coco.createIndex()
    return coco
