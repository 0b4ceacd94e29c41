"""The true masks of a cell: in their own frame, and moved with the images into the input square.

A mask comes from `Manifest.masks`. A data set without masks whose images have boxes of the task's
class is segmented by the union of those boxes, as GLoRIA, MGCA and G2D do with RSNA; an image
whose label says that the finding is absent has an empty mask there.

Into the square a mask goes by the placement of its stored image: it is resized by area, and a
pixel is inside where at least half of it is covered; it is cut or padded as the image is.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmark.data.geometry import Placement, placement
from benchmark.errors import BadDataError, UsageError
from benchmark.protocols.classification import truth_of

if TYPE_CHECKING:
    import pandas as pd

    from benchmark.protocols.context import CellContext
    from benchmark.recipes import Geometry

MEMORY_LIMIT_BYTES = 2**30
"""Packed squares are kept in memory up to this size."""
HALF_COVERED = 128


class TrueMasks:
    """Masks by row of the manifest.

    Args:
        context: Of the cell; its store is opened when a placement is first asked for.
        size: Side of the input square in pixels.

    Raises:
        UsageError: The task has not exactly one class.
    """

    def __init__(self, context: CellContext, size: int) -> None:
        if len(context.task.classes) != 1:
            raise UsageError(
                f"`{context.task.name}` has {len(context.task.classes)} classes; segmentation "
                "draws one mask an image."
            )
        self._context = context
        self._geometry: Geometry = context.recipe.geometry
        self.size = size
        self._images = context.manifest.images["image"].to_numpy(dtype=object)
        self._boxes = {} if context.manifest.masks else _boxes_by_image(context)
        self._kept: dict[int, np.ndarray] = {}

    def require(self, rows: np.ndarray) -> None:
        """Check that the mask of every row is known.

        Raises:
            BadDataError: One is not, such as that of a test image without public boxes.
        """
        unknown = [row for row in np.asarray(rows).tolist() if not self._known(row)]
        if unknown:
            raise BadDataError(
                f"{self._context.manifest.dataset}: the mask of {len(unknown):,} images of the "
                f"split is not known, the first is `{self._images[unknown[0]]}`.",
                looked_in=[self._context.manifest.root],
                remedy="Use a variant whose split holds segmented images only.",
            )

    def nonempty(self, rows: np.ndarray) -> np.ndarray:
        """Whether the masks of rows hold a pixel in their own frame, (n,), without drawing them."""
        if self._context.manifest.masks:
            masks = self._context.manifest.masks
            found = [bool(masks[self._images[row]].runs) for row in rows]
        else:
            found = [self._images[row] in self._boxes for row in rows]
        return np.array(found, dtype=bool)

    def own(self, row: int) -> np.ndarray:
        """The mask in its own frame, boolean (height, width)."""
        image = self._images[row]
        if self._context.manifest.masks:
            return np.asarray(self._context.manifest.masks[image].pixels())
        boxes = self._boxes.get(image)
        if boxes is None:
            return np.zeros(self._frame_without_box(row), dtype=bool)
        return union_of_boxes(boxes)

    def square(self, row: int) -> np.ndarray:
        """The mask in the input square, boolean (size, size)."""
        row = int(row)
        packed = self._kept.get(row)
        if packed is None:
            inside = mask_to_square(self.own(row), self.place(row), self.size)
            packed = np.packbits(inside)
            if (len(self._kept) + 1) * packed.nbytes <= MEMORY_LIMIT_BYTES:
                self._kept[row] = packed
        bits = np.unpackbits(packed, count=self.size**2)
        return bits.reshape(self.size, self.size).astype(bool)

    def squares(self, rows: np.ndarray) -> Tensor:
        """Masks in the input square, (B, 1, size, size) float32."""
        masks = np.stack([self.square(int(row)) for row in rows])
        return torch.from_numpy(masks).unsqueeze(1).float()

    def place(self, row: int) -> Placement:
        """Where the stored image lies in the input square."""
        height, width = self._context.store()[int(row)].shape
        return placement(height, width, self.size, self._geometry)

    def _known(self, row: int) -> bool:
        image = self._images[row]
        masks = self._context.manifest.masks
        if masks:
            return image in masks
        return image in self._boxes or bool(self._absent[row])

    @cached_property
    def _absent(self) -> np.ndarray:
        """Whether the label of each row says that there is no finding, (rows,)."""
        every = np.arange(len(self._images))
        return np.asarray(truth_of(self._context, every)[:, 0] == 0)

    def _frame_without_box(self, row: int) -> tuple[int, int]:
        """The frame that all boxes share, where they do, else the image's own size."""
        sides = {(int(table[0, 4]), int(table[0, 5])) for table in self._boxes.values()}
        return sides.pop() if len(sides) == 1 else self._context.store().original_size(row)


def _boxes_by_image(context: CellContext) -> dict[str, np.ndarray]:
    """x, y, w, h, height and width of each box of the class, (k, 6) by image."""
    table: pd.DataFrame = context.manifest.boxes
    chosen = table[table["label"].isin(context.task.classes)]
    columns = ["x", "y", "w", "h", "height", "width"]
    return {
        str(image): rows[columns].to_numpy(dtype=np.float64)
        for image, rows in chosen.groupby("image")
    }


def union_of_boxes(boxes: np.ndarray) -> np.ndarray:
    """The union of boxes as booleans (height, width); a pixel counts by its centre.

    Args:
        boxes: (k, 6) x, y, w, h in pixels, and height and width of their frame.
    """
    height, width = (int(side) for side in boxes[0, 4:])
    mask = np.zeros((height, width), dtype=bool)
    # The centre i + 0.5 lies in [x, x + w) where i runs from ceil(x - 0.5) on.
    starts = np.ceil(boxes[:, :2] - 0.5).astype(int).clip(0)
    ends = np.ceil(boxes[:, :2] + boxes[:, 2:4] - 0.5).astype(int)
    for (left, top), (right, bottom) in zip(starts, ends, strict=True):
        mask[top : max(bottom, 0), left : max(right, 0)] = True
    return mask


def mask_to_square(mask: np.ndarray, place: Placement, size: int) -> np.ndarray:
    """A mask moved as `benchmark.data.geometry.to_square` moves its image.

    Args:
        mask: Booleans in any frame of the image's aspect.
        place: Of the image in the square.
        size: Side of the square in pixels.

    Returns:
        Booleans (size, size).
    """
    picture = Image.fromarray(np.ascontiguousarray(mask).astype(np.uint8) * 255)
    resized = picture.resize((place.width, place.height), Image.Resampling.BOX)
    inside = np.asarray(resized) >= HALF_COVERED
    square = np.zeros((size, size), dtype=bool)
    rows, own_rows = _overlap(place.top, place.height, size)
    columns, own_columns = _overlap(place.left, place.width, size)
    square[rows, columns] = inside[own_rows, own_columns]
    return square


def probability_in_frame(probability: Tensor, place: Placement, height: int, width: int) -> Tensor:
    """Probabilities of the input square moved back to the frame of a mask, bilinearly.

    Args:
        probability: (size, size).
        place: Of the image in the square.
        height: Of the mask's frame.
        width: Likewise.

    Returns:
        (height, width); 0 where the geometry had cut the image off.
    """
    size = probability.shape[-1]
    rows, own_rows = _overlap(place.top, place.height, size)
    columns, own_columns = _overlap(place.left, place.width, size)
    image = probability.new_zeros(place.height, place.width)
    image[own_rows, own_columns] = probability[rows, columns]
    if (place.height, place.width) == (height, width):
        return image
    moved = torch.nn.functional.interpolate(
        image[None, None], size=(height, width), mode="bilinear", align_corners=False
    )
    return moved[0, 0]


def _overlap(offset: int, length: int, size: int) -> tuple[slice, slice]:
    """Pixels of the square that an image covers along one axis, and which of the image's."""
    start, end = max(0, offset), min(size, offset + length)
    return slice(start, end), slice(start - offset, end - offset)
