"""The stored form of detections, for methods and sentinels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmark.protocols.classification import SCORED_SPLITS, hashed_patients, sample_ids

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmark.detection.truth import BoxTruth
    from benchmark.protocols.context import CellContext


@dataclass(frozen=True)
class FoundBoxes:
    """Boxes found in some images, in pixels of the original images.

    Attributes:
        boxes: (m, 4) x y w h.
        scores: (m,).
        image: (m,) position of each box's image among those that were asked for.
        labels: (m,) index of the class.
    """

    boxes: np.ndarray
    scores: np.ndarray
    image: np.ndarray
    labels: np.ndarray

    @classmethod
    def joined(cls, parts: Sequence[FoundBoxes]) -> FoundBoxes:
        """Several of them, one after the other; positions must be those of the whole already."""
        return cls(
            np.concatenate([np.empty((0, 4)), *(part.boxes for part in parts)]),
            np.concatenate([np.empty(0), *(part.scores for part in parts)]),
            np.concatenate([np.empty(0, dtype=np.int64), *(part.image for part in parts)]),
            np.concatenate([np.empty(0, dtype=np.int64), *(part.labels for part in parts)]),
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """`boxes`, `box_scores`, `box_image`, `box_class`."""
        return {
            "boxes": self.boxes.astype(np.float32),
            "box_scores": self.scores.astype(np.float32),
            "box_image": self.image.astype(np.int64),
            "box_class": self.labels.astype(np.int64),
        }


def described(context: CellContext, truths: Mapping[str, BoxTruth]) -> dict[str, np.ndarray]:
    """All stored arrays that do not depend on the predictor; validation first, then test."""
    ordered = [truths[split] for split in SCORED_SPLITS]
    rows = np.concatenate([truth.rows for truth in ordered])
    starts = offsets(truths)
    splits = [np.full(len(truths[split]), split) for split in SCORED_SPLITS]
    return {
        "ids": sample_ids(context, rows),
        "patients": hashed_patients(context, rows),
        "split": np.concatenate(splits).astype("U10"),
        "classes": np.array(context.task.classes, dtype=np.str_),
        "frames": np.concatenate([truth.frames for truth in ordered]).astype(np.int64),
        "truth_boxes": np.concatenate([truth.boxes for truth in ordered]).astype(np.float32),
        "truth_image": np.concatenate(
            [truths[split].image + starts[split] for split in SCORED_SPLITS]
        ).astype(np.int64),
        "truth_class": np.concatenate([truth.labels for truth in ordered]).astype(np.int64),
    }


def offsets(truths: Mapping[str, BoxTruth]) -> dict[str, int]:
    """Position of each split's first image among all that are stored."""
    starts, total = {}, 0
    for split in SCORED_SPLITS:
        starts[split] = total
        total += len(truths[split])
    return starts
