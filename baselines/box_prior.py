"""The same boxes in every image: those of the training set that stand for most of its others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.errors import NotApplicable
from benchmark.specs import BaselineSpec

if TYPE_CHECKING:
    from benchmark.interfaces import Arrays, SentinelSamples

BASELINE = BaselineSpec(
    name="box_prior",
    version=1,
    title="Box prior (typical training boxes)",
    kind="sentinel",
    source="greedy cover of the training boxes at IoU 0.5",
    protocols=("detect",),
)

BOXES_A_CLASS = 10
LARGEST_REFERENCE = 2000
IOU = 0.5


def predict(samples: SentinelSamples, truth: Any, generator: np.random.Generator) -> Arrays:
    """At most ten boxes a class, the same in every image, without looking at it.

    Each is the training box that overlaps the most training boxes not yet covered (IoU of at
    least 0.5); its score is the share of all that it covers, rescaled so that the best has 1.

    Args:
        samples: Gives the training boxes in shares of their images.
        truth: Not used.
        generator: Draws 2,000 training boxes of a class where there are more.
    """
    reference = samples.reference
    if not len(reference["boxes"]):
        raise NotApplicable("box_prior needs training boxes; there are none.")
    boxes, scores, classes = [], [], []
    for index in range(len(samples.classes)):
        known = reference["boxes"][reference["box_class"] == index]
        if len(known) > LARGEST_REFERENCE:
            known = known[generator.choice(len(known), LARGEST_REFERENCE, replace=False)]
        typical, covered = _cover(known)
        boxes.append(typical)
        scores.append(covered / max(covered.max(initial=0.0), 1e-12))
        classes.append(np.full(len(typical), index))
    one = np.concatenate(boxes)
    images = len(samples.ids)
    return {
        "boxes": np.tile(one, (images, 1)),
        "box_scores": np.tile(np.concatenate(scores), images),
        "box_image": np.repeat(np.arange(images), len(one)),
        "box_class": np.tile(np.concatenate(classes), images),
    }


def _cover(boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The chosen boxes (p, 4) and the share of all boxes that each newly covers (p,)."""
    if not len(boxes):
        return np.empty((0, 4)), np.empty(0)
    overlaps = _iou(boxes) >= IOU
    free = np.ones(len(boxes), dtype=bool)
    chosen, shares = [], []
    while free.any() and len(chosen) < BOXES_A_CLASS:
        gains = overlaps[:, free].sum(axis=1)
        best = int(np.argmax(gains))
        chosen.append(best)
        shares.append(gains[best] / len(boxes))
        free &= ~overlaps[best]
    return boxes[chosen], np.array(shares)


def _iou(boxes: np.ndarray) -> np.ndarray:
    """Of every pair of boxes x y w h, (n, n)."""
    low, high = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    sides = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
    common = np.prod(np.clip(sides, 0, None), axis=2)
    area = np.prod(boxes[:, 2:], axis=1)
    shares: np.ndarray = common / np.maximum(area[:, None] + area - common, 1e-12)
    return shares
