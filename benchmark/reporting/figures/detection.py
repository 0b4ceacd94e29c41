"""`detection`: predicted and true boxes of a few test images."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

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
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from benchmark.reporting.figures.choosing import Case
    from benchmark.reporting.figures.detection_cases import Detections
    from benchmark.reporting.figures.material import Material, Shown
    from benchmark.reporting.select import Block

KIND = "detection"
RECIPES = ("DetectRecipe",)
MOST_SCORES = 3


def drawings(material: Material) -> Iterator[Drawing | SkippedFigure]:
    """One figure for each detection task and variant."""
    blocks = material.blocks(*RECIPES)
    if not blocks:
        yield SkippedFigure(KIND, "no record of a detection task")
    for block in blocks:
        yield _drawing(material, block)


def _drawing(material: Material, block: Block) -> Drawing | SkippedFigure:
    found = {
        shown: detections
        for shown in material.shown(block)
        for detections in [_detections(shown)]
        if detections is not None
    }
    chooser = material.chooser(list(found))
    if chooser is None:
        return SkippedFigure(KIND, f"{block_name(block)}: no method keeps its boxes")
    first = found[chooser]
    cases = best_median_worst(list(first.f1), list(first.f1.values()))
    if not cases:
        return SkippedFigure(KIND, f"{block_name(block)}: no test image has a true box")
    images = material.shows_images(block)
    shown, left_out = with_room(list(found), gallery.MOST_COLUMNS)
    columns = [found[item] for item in shown]
    title = block_name(block, "Detection")
    score = f"F1 of {chooser.method.title} at an IoU of 0.5"
    scores = ", ".join(f"{one.shown.method.title} {one.lowest_score:.2g}" for one in columns)
    caption = joined(
        [
            choice_sentence(cases, "test image", f"{score}, among those with a true box"),
            "Solid and filled, true boxes; dashed, detections, with their scores where they are "
            f"at most {MOST_SCORES}; below, the F1 of the image. Shown are detections from the "
            f"score on that has the best F1 on validation: {scores}.",
            "" if images else "Radiographs are not shown.",
            left_out_sentence(left_out),
            labels_sentence(material, block),
            seeds_sentence(material, block, shown),
            data_sentence([block], material.profile),
        ]
    )
    pictures = []
    if images and material.images is not None:
        reader = material.images
        pictures = [shrunk(reader.original(chooser.result, case.sample)) for case in cases]
    draw = partial(_draw, title, columns, first, cases, pictures)
    return Drawing(block, title, caption, draw, keys_of(shown), block.phantom, images)


def _detections(shown: Shown) -> Detections | None:
    """The boxes of one method; None for sentinels and where those of many draws are stored."""
    from benchmark.reporting.figures.detection_cases import Detections

    if shown.method.role == "sentinel":
        return None
    arrays = shown.predictions()
    if "boxes" not in arrays or "box_draw" in arrays:
        return None
    return Detections(shown, arrays, recipe_of(shown.result))


def _draw(
    title: str,
    columns: Sequence[Detections],
    first: Detections,
    cases: Sequence[Case],
    pictures: Sequence[Any],
) -> Figure:
    def paint(axes: Axes, row: int, column: int) -> str:
        image, detections = cases[row].sample, columns[column]
        if image not in detections.row_of:
            return "not predicted"
        gallery.frame(axes, *detections.frame(image), pictures[row] if pictures else None)
        outlines.boxes(axes, detections.truth(image), outlines.TRUE)
        boxes, scores = detections.boxes(image)
        outlines.boxes(axes, boxes, outlines.PREDICTED)
        if len(boxes) <= MOST_SCORES:
            outlines.scores(axes, boxes, scores)
        return f"F1 {detections.f1[image]:.2f}" + ("" if len(boxes) else ", no detection")

    frames = [first.frame(case.sample) for case in cases]
    return gallery.draw_gallery(
        gallery.Gallery(
            title,
            [f"{case.name}, F1 {case.value:.2f}" for case in cases],
            [one.shown.method.title for one in columns],
            [height / width for height, width in frames],
            paint,
            outlines.add_legend,
            outlines.LEGEND_INCHES,
        )
    )
