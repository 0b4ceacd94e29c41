"""`roc`: ROC curves of every class from stored scores of the test split."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from benchmark.metrics.predictions import rows_of
from benchmark.metrics.ranking import rank_auc, roc_points, why_undefined
from benchmark.reporting.figures.canvas import COLUMN, PAGE, new_figure, wrapped
from benchmark.reporting.figures.captions import (
    block_name,
    data_sentence,
    joined,
    keys_of,
    labels_sentence,
    left_out_sentence,
    seeds_sentence,
)
from benchmark.reporting.figures.legends import evened, legend_below
from benchmark.reporting.figures.material import with_room
from benchmark.reporting.figures.model import Drawing, SkippedFigure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from benchmark.reporting.figures.material import Material, Shown
    from benchmark.reporting.figures.methods import Method

KIND = "roc"
RECIPES = ("FineTuneRecipe", "LinearProbeRecipe", "ZeroShotRecipe")
MOST_CURVES, MOST_PANELS, MOST_COLUMNS = 6, 20, 4
MOST_INCHES = 9.9
"""Height of a figure; panels of many rows are smaller than their columns are wide."""

AUC_INCHES, LINE_INCHES = 0.53, 0.13
"""Width of an area with the line beside it, and height of a row of them."""

STEPS_PER_INCH = 100
"""Points of a curve that lie closer than this are not told apart in print."""


@dataclass(frozen=True)
class Scored:
    """One method's scores on the test images: `truth` and `scores` (n, k)."""

    shown: Shown
    classes: tuple[str, ...]
    truth: np.ndarray
    scores: np.ndarray


@dataclass(frozen=True)
class RocCurve:
    """One method and class: rates (m,) and the area under them."""

    method: Method
    false_positives: np.ndarray
    true_positives: np.ndarray
    auc: float


def drawings(material: Material) -> Iterator[Drawing | SkippedFigure]:
    """One figure for each task and variant with classes."""
    blocks = material.blocks(*RECIPES)
    if not blocks:
        yield SkippedFigure(KIND, "no record of a task with classes")
    for block in blocks:
        found = {
            shown: scored
            for shown in material.shown(block)
            for scored in [_scored(shown)]
            if scored is not None
        }
        if not found:
            yield SkippedFigure(KIND, f"{block_name(block)}: no record keeps scores of its images")
            continue
        shown, left_out = with_room(list(found), MOST_CURVES)
        chosen = [found[item] for item in shown]
        classes = most_frequent(chosen[0])
        title = f"ROC: {block_name(block)}"
        missing = len(chosen[0].classes) - len(classes)
        caption = joined(
            [
                "ROC curves on the test split, a panel a class; above each, the area under its "
                "curves. Dotted: chance.",
                f"The {len(classes)} classes with most positive images; {missing} more have no "
                "room."
                if missing
                else "",
                left_out_sentence(left_out),
                labels_sentence(material, block),
                seeds_sentence(material, block, shown),
                data_sentence([block], material.profile),
            ]
        )
        draw = partial(_draw, title, chosen, classes)
        yield Drawing(block, title, caption, draw, keys_of(shown), block.phantom)


def _scored(shown: Shown) -> Scored | None:
    """The scores of one method; None for sentinels and constant predictors."""
    if shown.method.role == "sentinel":
        return None
    arrays = shown.predictions()
    if "scores" not in arrays or "truth" not in arrays:
        return None
    rows = rows_of(arrays, "test")
    scores = np.asarray(arrays["scores"][rows], dtype=np.float64)
    if not len(rows) or (scores == scores[:1]).all():
        return None
    classes = tuple(str(name) for name in arrays["classes"])
    return Scored(shown, classes, np.asarray(arrays["truth"][rows]), scores)


def most_frequent(scored: Scored) -> list[str]:
    """The classes that have a panel, in their order: those with most positives."""
    positives = (scored.truth == 1).sum(axis=0)
    order = sorted(range(len(scored.classes)), key=lambda place: (-positives[place], place))
    return [scored.classes[place] for place in sorted(order[:MOST_PANELS])]


def roc_of(scored: Scored, name: str) -> RocCurve | None:
    """The curve of one class; None where it is undefined."""
    if name not in scored.classes:
        return None
    place = scored.classes.index(name)
    truth, scores = scored.truth[:, place], scored.scores[:, place]
    if why_undefined(truth):
        return None
    false_rate, true_rate = roc_points(truth, scores)
    return RocCurve(scored.shown.method, false_rate, true_rate, float(rank_auc(truth, scores)))


def thinned(
    false_positives: np.ndarray, true_positives: np.ndarray, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Some of a curve's points, such that the rest lie within 1 / `steps` of one of them."""
    cell = np.round(steps * np.stack([false_positives, true_positives]))
    kept = np.append(True, (np.diff(cell) != 0).any(axis=0))
    kept[-1] = True
    return false_positives[kept], true_positives[kept]


def _draw(title: str, chosen: Sequence[Scored], classes: Sequence[str]) -> Figure:
    from matplotlib.lines import Line2D

    columns = min(MOST_COLUMNS, len(classes))
    rows = -(-len(classes) // columns)
    width = COLUMN if len(classes) == 1 else PAGE * max(2, columns) / MOST_COLUMNS
    side = (width - 0.4) / columns - 0.15
    lines = max(len(_lines(name, side)) for name in classes)
    above = LINE_INCHES * (lines + -(-len(chosen) // _areas_a_row(side))) + 0.1
    below = 0.4 + 0.35 * (len(classes) < rows * columns)
    figure = new_figure(width, 0.3 + rows * (side + above) + below, title)
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for place, (axes, name) in enumerate(zip(panels, classes, strict=False)):
        _panel(figure, axes, chosen, name, side)
        if place + columns >= len(classes):
            axes.tick_params(labelbottom=True)
            axes.set_xlabel("false positive rate")
    for axes in panels[len(classes) :]:
        axes.remove()
    figure.supylabel("true positive rate")
    methods = [item.shown.method for item in chosen]
    handles = [Line2D([], [], label=method.title, **method.line) for method in methods]
    legend_below(figure, handles, "Above each panel: area under the curve (AUC)")
    figure.set_figheight(min(figure.get_figheight(), MOST_INCHES))
    return figure


def _lines(name: str, side: float) -> list[str]:
    return wrapped(name.replace("_", " "), side)


def _areas_a_row(side: float) -> int:
    return max(1, int((side + 0.15) / AUC_INCHES))


def _panel(figure: Figure, axes: Axes, chosen: Sequence[Scored], name: str, side: float) -> None:
    axes.plot([0, 1], [0, 1], color="#b0b0b0", linestyle=":", linewidth=0.8)
    curves = [curve for scored in chosen for curve in [roc_of(scored, name)] if curve is not None]
    steps = round(STEPS_PER_INCH * side)
    for curve in curves:
        points = thinned(curve.false_positives, curve.true_positives, steps)
        axes.plot(*points, label=f"{curve.auc:.3f}", **curve.method.line)
    if not curves:
        place = chosen[0].classes.index(name)
        why = why_undefined(chosen[0].truth[:, place])
        axes.text(0.5, 0.5, f"undefined:\n{why}", ha="center", va="center", color="#4d4d4d")
    height = _areas(figure, axes, _areas_a_row(side)) if curves else 0.0
    axes.set_title("\n".join(_lines(name, side)), pad=4.5 + height)
    axes.set_aspect("equal")
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])


def _areas(figure: Figure, axes: Axes, columns: int) -> float:
    """The area under each curve, above the panel where it covers nothing; its height in points."""
    curves = axes.lines[1:]
    legend = axes.legend(
        handles=curves, loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False,
        ncols=evened(len(curves), columns), handlelength=1.4, handletextpad=0.4, columnspacing=0.8,
        labelspacing=0.2, borderpad=0.1, borderaxespad=0.2,
    )  # fmt: skip
    return 72 * float(legend.get_window_extent().height) / figure.dpi
