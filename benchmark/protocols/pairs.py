"""Image-phrase pairs of a grounding task, from the boxes of a manifest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmark.data.geometry import boxes_to_square
from benchmark.protocols.phrases import phrase_for
from benchmark.seeds import generator_from

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from benchmark.data.manifest import Manifest
    from benchmark.recipes import Geometry


@dataclass(frozen=True)
class Pairs:
    """Pairs of one split, in the order of its rows.

    Attributes:
        ids: `image#number`, (n,).
        rows: Position of each pair's image in the manifest, (n,).
        categories: (n,).
        phrases: As annotated, n texts.
        patients: Names as in the manifest, (n,).
        boxes: (m, 4) float32 xywh in the frame.
        box_pair: (m,) index of each box's pair.
    """

    ids: np.ndarray
    rows: np.ndarray
    categories: np.ndarray
    phrases: tuple[str, ...]
    patients: np.ndarray
    boxes: np.ndarray
    box_pair: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class FoundPair:
    """One pair before it is stored: its image's row, category, phrase and boxes in the frame."""

    name: str
    row: int
    category: str
    phrase: str
    boxes: np.ndarray


def read_pairs(manifest: Manifest, rows: np.ndarray, frame: int, geometry: Geometry) -> Pairs:
    """Group the boxes of some images by category and lower-cased phrase.

    Args:
        manifest: With `boxes` in pixels of the original images.
        rows: Positions of the split's images.
        frame: Side of the square in which boxes are given.
        geometry: How an image becomes that square.
    """
    by_image = {str(image): boxes for image, boxes in manifest.boxes.groupby("image", sort=False)}
    names = manifest.images["image"].tolist()
    found = []
    for row in rows:
        image = str(names[int(row)])
        if image not in by_image:
            continue
        for number, (label, phrase, boxes) in enumerate(_groups(by_image[image])):
            squares = boxes_in_frame(boxes, frame, geometry)
            found.append(FoundPair(f"{image}#{number}", int(row), label, phrase, squares))
    return gathered(manifest, found)


def gathered(manifest: Manifest, found: Sequence[FoundPair]) -> Pairs:
    """The pairs as arrays, with the patients of their images."""
    positions = np.array([pair.row for pair in found], dtype=np.int64)
    patients = [str(value) for value in manifest.images["patient"].iloc[positions]]
    owners = [np.full(len(pair.boxes), index) for index, pair in enumerate(found)]
    return Pairs(
        ids=np.array([pair.name for pair in found], dtype=np.str_),
        rows=positions,
        categories=np.array([pair.category for pair in found], dtype=np.str_),
        phrases=tuple(pair.phrase for pair in found),
        patients=np.array(patients, dtype=np.str_),
        boxes=np.concatenate([np.empty((0, 4)), *(pair.boxes for pair in found)]).astype(
            np.float32
        ),
        box_pair=np.concatenate([np.empty(0, dtype=np.int64), *owners]).astype(np.int64),
    )


def swap_partners(pairs: Pairs, *axes: object) -> tuple[np.ndarray, int]:
    """For each pair another one, whose phrase does not fit: a control of what a phrase adds.

    The partner has another category and another patient; where none exists, another patient
    or, failing that, another phrase.

    Args:
        pairs: Of one split.
        axes: Of the seed: task and split, never the baseline.

    Returns:
        Index of the partner, (n,), the pair itself where every phrase is the same; and for how
        many pairs the condition was relaxed.
    """
    generator = generator_from("swap", *axes)
    lowered = np.array([phrase.lower() for phrase in pairs.phrases], dtype=np.str_)
    partners = np.arange(len(pairs), dtype=np.int64)
    relaxed = 0
    for index in range(len(pairs)):
        other_phrase = lowered != lowered[index]
        other_patient = other_phrase & (pairs.patients != pairs.patients[index])
        strict = other_patient & (pairs.categories != pairs.categories[index])
        for level, candidates in enumerate((strict, other_patient, other_phrase)):
            if candidates.any():
                partners[index] = generator.choice(np.flatnonzero(candidates))
                relaxed += level > 0
                break
        else:
            relaxed += 1
    return partners, relaxed


def _groups(boxes: pd.DataFrame) -> list[tuple[str, str, pd.DataFrame]]:
    """Category, phrase as first written, and boxes of each pair of one image."""
    worded = [
        phrase_for(str(label), "" if phrase is None or phrase != phrase else str(phrase))
        for label, phrase in zip(boxes["label"], boxes["phrase"], strict=True)
    ]
    members: dict[tuple[str, str], list[int]] = {}
    for position, (label, phrase) in enumerate(zip(boxes["label"], worded, strict=True)):
        members.setdefault((str(label), phrase.strip().lower()), []).append(position)
    return [
        (label, worded[positions[0]], boxes.iloc[positions])
        for (label, _), positions in members.items()
    ]


def boxes_in_frame(boxes: pd.DataFrame, frame: int, geometry: Geometry) -> np.ndarray:
    """The boxes of one image, moved as the image is, (m, 4) xywh."""
    xywh = boxes[["x", "y", "w", "h"]].to_numpy(dtype=np.float64)
    height, width = int(boxes["height"].iloc[0]), int(boxes["width"].iloc[0])
    return boxes_to_square(xywh, height, width, frame, geometry)
