"""`segmentation`: outlines of predicted and true masks of a few test images."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.metrics.mask_runs import MaskRuns
from benchmark.metrics.segmentation_pixels import dice_from_counts
from benchmark.reporting.figures import gallery, outlines
from benchmark.reporting.figures.captions import (
    block_name,
    data_sentence,
    joined,
    keys_of,
    labels_sentence,
    left_out_sentence,
    seeds_sentence,
)
from benchmark.reporting.figures.choosing import best_median_worst, choice_sentence
from benchmark.reporting.figures.images import shrunk
from benchmark.reporting.figures.material import recipe_of, with_room
from benchmark.reporting.figures.model import Drawing, SkippedFigure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from benchmark.reporting.figures.choosing import Case
    from benchmark.reporting.figures.material import Material, Shown
    from benchmark.reporting.select import Block

KIND = "segmentation"
RECIPES = ("SegmentRecipe",)
PER_SAMPLE = "dice_nonempty"


@dataclass(frozen=True)
class Masks:
    """The masks of one method's record."""

    shown: Shown
    predictions: Mapping[str, np.ndarray]

    @cached_property
    def row_of(self) -> dict[str, int]:
        """Position of every test image by its id."""
        ids, splits = self.predictions["ids"], self.predictions["split"]
        return {str(ids[row]): int(row) for row in np.flatnonzero(splits == "test")}

    def frame(self, image: str) -> tuple[int, int]:
        """Height and width in which the masks of an image lie."""
        row = self.row_of[image]
        return int(self.predictions["height"][row]), int(self.predictions["width"][row])

    def mask(self, kind: str, image: str) -> np.ndarray:
        """The `truth` or the `prediction` of an image, booleans (height, width)."""
        runs = MaskRuns(self.predictions[f"{kind}_runs"], self.predictions[f"{kind}_offsets"])
        return runs.mask(self.row_of[image], *self.frame(image))


def drawings(material: Material) -> Iterator[Drawing | SkippedFigure]:
    """One figure for each segmentation task and variant."""
    blocks = material.blocks(*RECIPES)
    if not blocks:
        yield SkippedFigure(KIND, "no record of a segmentation task")
    for block in blocks:
        yield _drawing(material, block)


def _drawing(material: Material, block: Block) -> Drawing | SkippedFigure:
    wanted = [shown for shown in material.shown(block) if shown.method.role != "sentinel"]
    stored = {shown: shown.predictions() for shown in wanted}
    found = {s: Masks(s, arrays) for s, arrays in stored.items() if "prediction_runs" in arrays}
    chooser = material.chooser(list(found))
    if chooser is None:
        return SkippedFigure(KIND, f"{block_name(block)}: no method keeps its masks")
    samples = chooser.samples()
    if PER_SAMPLE not in samples:
        return SkippedFigure(KIND, f"{block_name(block)}: no scores of single images are kept")
    cases = best_median_worst(samples["ids"].tolist(), samples[PER_SAMPLE])
    if not cases:
        return SkippedFigure(KIND, f"{block_name(block)}: every target of the test is empty")
    images = material.shows_images(block)
    shown, left_out = with_room(list(found), gallery.MOST_COLUMNS)
    title = block_name(block, "Segmentation")
    score = f"Dice of {chooser.method.title}"
    caption = joined(
        [
            choice_sentence(cases, "test image", f"{score}, among those whose target is not empty"),
            "Solid and filled, the target; dashed, the prediction; below, the Dice of the image.",
            "" if images else "Radiographs are not shown.",
            left_out_sentence(left_out),
            labels_sentence(material, block),
            seeds_sentence(material, block, shown),
            data_sentence([block], material.profile),
        ]
    )
    first = found[chooser]
    pictures = [_picture(material, first, case.sample) for case in cases] if images else []
    draw = partial(_draw, title, [found[item] for item in shown], first, cases, pictures)
    return Drawing(block, title, caption, draw, keys_of(shown), block.phantom, images)


def _picture(material: Material, masks: Masks, image: str) -> np.ndarray:
    """The radiograph in the frame of its masks."""
    assert material.images is not None
    result, recipe = masks.shown.result, recipe_of(masks.shown.result)
    if recipe.frame == "input":
        size, _ = masks.frame(image)
        return shrunk(material.images.square(result, image, size, recipe.geometry))
    return shrunk(material.images.original(result, image))


def _draw(
    title: str,
    columns: Sequence[Masks],
    first: Masks,
    cases: Sequence[Case],
    pictures: Sequence[Any],
) -> Figure:
    def paint(axes: Axes, row: int, column: int) -> str:
        image, masks = cases[row].sample, columns[column]
        if image not in masks.row_of:
            return "not predicted"
        height, width = masks.frame(image)
        gallery.frame(axes, height, width, pictures[row] if pictures else None)
        target, prediction = (masks.mask(kind, image) for kind in (outlines.TRUE, "prediction"))
        outlines.mask(axes, target, outlines.TRUE)
        outlines.mask(axes, prediction, outlines.PREDICTED)
        dice = dice_from_counts((target & prediction).sum(), prediction.sum(), target.sum())
        return f"Dice {float(dice):.3f}" + ("" if prediction.any() else ", empty")

    frames = [first.frame(case.sample) for case in cases]
    return gallery.draw_gallery(
        gallery.Gallery(
            title,
            [f"{case.name}, Dice {case.value:.3f}" for case in cases],
            [masks.shown.method.title for masks in columns],
            [height / width for height, width in frames],
            paint,
            outlines.add_legend,
            outlines.LEGEND_INCHES,
        )
    )
