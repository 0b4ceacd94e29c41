"""Image-class pairs of a grounding task without phrases, from the boxes or masks of a manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmark.errors import UsageError
from benchmark.protocols.mask_boxes import mask_in_frame, tiling_boxes
from benchmark.protocols.pairs import FoundPair, Pairs, boxes_in_frame, gathered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmark.data.manifest import Manifest
    from benchmark.recipes.ground import ClassGroundRecipe


def read_class_pairs(manifest: Manifest, rows: np.ndarray, recipe: ClassGroundRecipe) -> Pairs:
    """One pair for each image and class that has a truth; `image#class` is its id.

    All boxes of a class on an image belong to one pair, whatever phrase they have. A mask gives
    one pair unless it is empty, stored as the boxes that tile it in the frame.

    Args:
        manifest: With `boxes` in pixels of the original images, or with `masks`.
        rows: Positions of the split's images.
        recipe: Says which of them are the truth; frame and geometry.

    Raises:
        UsageError: Masks are the truth and the recipe does not say of what class they are.
    """
    if recipe.truth == "masks" and not recipe.mask_class:
        raise UsageError(
            "The recipe takes masks as truth and does not name their class.",
            remedy="Fill `mask_class` in the task's recipe.",
        )
    found = _masked if recipe.truth == "masks" else _boxed
    return gathered(manifest, list(found(manifest, rows, recipe)))


def _boxed(manifest: Manifest, rows: np.ndarray, recipe: ClassGroundRecipe) -> Iterator[FoundPair]:
    by_image = {str(image): boxes for image, boxes in manifest.boxes.groupby("image", sort=False)}
    names = manifest.images["image"].tolist()
    for row in rows:
        image = str(names[int(row)])
        if image not in by_image:
            continue
        for label, boxes in by_image[image].groupby("label", sort=False):
            squares = boxes_in_frame(boxes, recipe.frame, recipe.geometry)
            yield FoundPair(f"{image}#{label}", int(row), str(label), str(label), squares)


def _masked(manifest: Manifest, rows: np.ndarray, recipe: ClassGroundRecipe) -> Iterator[FoundPair]:
    names = manifest.images["image"].tolist()
    for row in rows:
        image = str(names[int(row)])
        mask = manifest.masks.get(image)
        if mask is None or not mask.runs:
            continue
        inside = mask_in_frame(mask.pixels(), recipe.frame, recipe.geometry)
        label = recipe.mask_class
        yield FoundPair(f"{image}#{label}", int(row), label, label, tiling_boxes(inside))
