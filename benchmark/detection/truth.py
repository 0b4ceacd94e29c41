"""Which images of a split take part in detection, and their true boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from benchmark.errors import BadDataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from benchmark.data.manifest import Manifest


@dataclass(frozen=True)
class BoxTruth:
    """Images with their true boxes.

    Attributes:
        rows: Positions in the manifest, (n,).
        frames: (n, 2) height and width of each image, in whose pixels its boxes are given.
        boxes: (m, 4) x y w h.
        image: (m,) position of each box's image among `rows`.
        labels: (m,) index of the class.
        unknown: Images that were left out because nothing says whether they hold a box.
        empty_left_out: Images without boxes that the rule left out.
    """

    rows: np.ndarray
    frames: np.ndarray
    boxes: np.ndarray
    image: np.ndarray
    labels: np.ndarray
    unknown: int = 0
    empty_left_out: int = 0

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def positives(self) -> int:
        """Images with at least one box."""
        return len(np.unique(self.image))

    def of(self, index: int) -> np.ndarray:
        """Positions in `boxes` of the boxes of one image."""
        return np.flatnonzero(self.image == index)

    def among(self, chosen: np.ndarray) -> BoxTruth:
        """Some of the images, by mask, in their order."""
        position = np.where(chosen, np.cumsum(chosen) - 1, -1)
        image = position[self.image]
        held = image >= 0
        return BoxTruth(
            self.rows[chosen], self.frames[chosen], self.boxes[held], image[held], self.labels[held]
        )

    def counts(self) -> dict[str, int]:
        """For the record."""
        return {
            "images": len(self),
            "images_with_boxes": self.positives,
            "boxes": len(self.boxes),
            "left_out_unknown": self.unknown,
            "left_out_without_boxes": self.empty_left_out,
        }


def read_truth(
    manifest: Manifest,
    rows: np.ndarray,
    classes: Sequence[str],
    labels: pd.DataFrame,
    negatives: Literal["exclude", "include"],
    size_of: Callable[[int], tuple[int, int]],
) -> BoxTruth:
    """The images of a split that take part, with their boxes.

    An image without a box is known to be empty only where its label of every class is 0. Others
    (RSNA's official test images, whose boxes are not public) take no part. So do images whose
    label says that there is a finding while no box shows where.

    Args:
        manifest: With boxes in pixels of the original images.
        rows: Positions of the split's images.
        classes: Labels of the boxes that count.
        labels: One row a row of the manifest.
        negatives: What becomes of images without boxes.
        size_of: Height and width of the image of a row; asked for images without boxes only, since
            boxes come with the size of their image.

    Raises:
        BadDataError: The data set has no boxes of these classes at all.
    """
    table = manifest.boxes[manifest.boxes["label"].isin(list(classes))]
    if not len(table):
        raise BadDataError(
            f"{manifest.dataset} has no boxes of {', '.join(classes)}.",
            looked_in=[manifest.root],
        )
    by_image = {str(image): part for image, part in table.groupby("image", sort=False)}
    known_empty = _known_empty(labels, classes)
    names = manifest.images["image"].tolist()
    kept: list[int] = []
    unknown = empty_left_out = 0
    for row in np.asarray(rows, dtype=np.int64):
        if str(names[row]) in by_image:
            kept.append(int(row))
        elif not known_empty[row]:
            unknown += 1
        elif negatives == "exclude":
            empty_left_out += 1
        else:
            kept.append(int(row))
    parts = [by_image.get(str(names[row])) for row in kept]
    held = [part for part in parts if part is not None]
    numbers = [part[["x", "y", "w", "h"]].to_numpy(dtype=np.float64) for part in held]
    owners = [np.full(len(part), place) for place, part in enumerate(parts) if part is not None]
    index = {name: place for place, name in enumerate(classes)}
    return BoxTruth(
        rows=np.array(kept, dtype=np.int64),
        frames=_frames(parts, kept, size_of),
        boxes=np.concatenate([np.empty((0, 4)), *numbers]),
        image=np.concatenate([np.empty(0, dtype=np.int64), *owners]).astype(np.int64),
        labels=np.array([index[str(name)] for part in held for name in part["label"]], dtype=int),
        unknown=unknown,
        empty_left_out=empty_left_out,
    )


def _known_empty(labels: pd.DataFrame, classes: Sequence[str]) -> np.ndarray:
    present = [name for name in classes if name in labels.columns]
    if len(present) < len(classes):
        return np.zeros(len(labels), dtype=bool)
    values = labels[present].to_numpy(dtype=np.float64)
    return np.asarray((values == 0).all(axis=1))


def _frames(
    parts: Sequence[pd.DataFrame | None],
    rows: Sequence[int],
    size_of: Callable[[int], tuple[int, int]],
) -> np.ndarray:
    frames = np.empty((len(rows), 2), dtype=np.int64)
    for place, (part, row) in enumerate(zip(parts, rows, strict=True)):
        if part is None:
            frames[place] = size_of(row)
        else:
            frames[place] = int(part["height"].iloc[0]), int(part["width"].iloc[0])
    return frames
