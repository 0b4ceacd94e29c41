"""`label_efficiency`: each task's headline metric against the percent of its training labels."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from benchmark import registry
from benchmark.reporting.cells import measured
from benchmark.reporting.figures.canvas import PAGE, new_figure
from benchmark.reporting.figures.captions import data_sentence, joined
from benchmark.reporting.figures.legends import legend_below
from benchmark.reporting.figures.material import ALL
from benchmark.reporting.figures.model import Drawing, SkippedFigure
from benchmark.reporting.select import picked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from benchmark.reporting.figures.material import Material
    from benchmark.reporting.figures.methods import Method
    from benchmark.reporting.select import Block

KIND = "label_efficiency"
RECIPES = ("FineTuneRecipe", "LinearProbeRecipe", "SegmentRecipe", "DetectRecipe")
MOST_COLUMNS = 3
DODGE = 1.04
"""Factor between neighbouring methods on the axis, so that their intervals stand apart."""

SMALLEST_RANGE = 1.0
"""Points that an axis covers at least: rounding is no difference."""

METRICS = {
    "auc": "AUC",
    "accuracy_argmax": "accuracy",
    "ap_50_95": "AP, IoU 0.50 to 0.95",
    "ap_40_75": "AP, IoU 0.40 to 0.75",
    "ap_50": "AP, IoU 0.50",
    "dice_nonempty": "Dice, non-empty targets",
    "dice_empty_is_one": "Dice, empty target = 1",
}
"""Names on axes, of metrics from 0 to 100 %; any other stands by its name in the records."""

BAND = 0.12
"""Opacity of a level's interval."""


@dataclass(frozen=True)
class Curve:
    """One method in one panel; without `percents` it is one level for every fraction.

    Attributes:
        percents: (n,) of the labels, ascending.
        values: (n,) percent.
        low, high: (n,) 95 % interval, NaN where there is none.
    """

    method: Method
    percents: np.ndarray
    values: np.ndarray
    low: np.ndarray
    high: np.ndarray
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Panel:
    """One task, variant and state of its data.

    Attributes:
        gaps: Methods and fractions with records but without a value, and why.
    """

    block: Block
    metric: str
    curves: tuple[Curve, ...]
    gaps: tuple[str, ...]


def drawings(material: Material) -> Iterator[Drawing | SkippedFigure]:
    """One figure for synthetic data and one for others, a panel a task and variant."""
    panels, why = [], "no task has records of several label fractions"
    for block in material.blocks(*RECIPES):
        panel = panel_of(material, block)
        if panel is not None:
            panels.append(panel)
    if not panels:
        yield SkippedFigure(KIND, why)
    for phantom in (False, True):
        mine = [panel for panel in panels if panel.block.phantom is phantom]
        if mine:
            yield _drawing(material, mine, phantom)


def panel_of(material: Material, block: Block) -> Panel | None:
    """The curves of one block; None where no method has two label fractions."""
    if block.task not in registry.task_names():
        return None
    metric = registry.load_task(block.task).headline
    gaps: list[str] = []
    found = [
        curve
        for method in material.methods.values()
        if method.role != "sentinel"
        for curve in [_curve(material, block, method, metric, gaps)]
        if curve is not None
    ]
    if not any(len(curve.percents) > 1 for curve in found):
        return None
    return Panel(block, metric, tuple(found), tuple(gaps))


def _curve(
    material: Material, block: Block, method: Method, metric: str, gaps: list[str]
) -> Curve | None:
    """What the tables' cells say at every fraction; one without a value goes to the gaps."""
    points, keys = [], []
    level = method.group.weights == "none"
    for label in [ALL] if level else material.fractions(block):
        records = picked(material.results, method.group, block, label)
        cell = measured(records, metric)
        if cell.value is None:
            if records:
                place = "" if level else f" at {label} %"
                why = cell.reason or cell.state
                gaps.append(f"{method.title}{place} of {block.task}@{block.variant} ({why})")
            continue
        low, high = cell.interval or (np.nan, np.nan)
        points.append((np.nan if level else float(label), cell.value, low, high))
        keys += [str(item.cell["key"]) for item in records]
    if not points:
        return None
    table = np.array(points, dtype=float)
    percents = np.empty(0) if level else table[:, 0]
    values, lows, highs = 100 * table[:, 1:].T
    return Curve(method, percents, values, lows, highs, tuple(keys))


def _drawing(material: Material, panels: Sequence[Panel], phantom: bool) -> Drawing:
    title = "Label efficiency" + (" (phantom)" if phantom else "")
    gaps = [gap for panel in panels for gap in panel.gaps]
    caption = joined(
        [
            "Headline metric on the test split against the percent of the training labels, a "
            "panel a task and variant. Points are means over seeds; bars, and bands around "
            "levels, are the tables' 95 % intervals (bootstrap by patient; with several seeds "
            "joined with their spread). Points are moved a little sideways. Grey "
            "and dashed: encoders that were not pre-trained, and predictors without an encoder, "
            "which need no label and are a level.",
            f"Without a value: {'; '.join(gaps)}." if gaps else "",
            data_sentence([panel.block for panel in panels], material.profile),
        ]
    )
    keys = {key for panel in panels for curve in panel.curves for key in curve.keys}
    draw = partial(_draw, title, panels)
    block = panels[0].block if len(panels) == 1 else None
    return Drawing(block, title, caption, draw, tuple(sorted(keys)), phantom)


def _draw(title: str, panels: Sequence[Panel]) -> Figure:
    columns = min(MOST_COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    figure = new_figure(PAGE * max(columns, 1.5) / MOST_COLUMNS, 0.4 + 2.1 * rows, title)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    names = Counter((panel.block.task, panel.block.variant) for panel in panels)
    for axes, panel in zip(grid, panels, strict=False):
        _panel(axes, panel)
        block = panel.block
        several = names[block.task, block.variant] > 1
        axes.set_title(f"{block.task}@{block.variant}" + several * f"\n{block.data_id}")
    for axes in grid[len(panels) :]:
        axes.remove()
    handles = {
        handle.get_label(): handle for axes in grid[: len(panels)] for handle in axes.lines[:]
    }
    legend_below(figure, [line for name, line in handles.items() if not name.startswith("_")])
    return figure


def _panel(axes: Axes, panel: Panel) -> None:
    lines = [curve for curve in panel.curves if len(curve.percents)]
    for place, curve in enumerate(lines):
        method = curve.method
        x = curve.percents * DODGE ** (place - (len(lines) - 1) / 2)
        spread = np.abs(np.stack([curve.values - curve.low, curve.high - curve.values]))
        marker = method.marker or "."
        axes.plot(
            x, curve.values, marker=marker, label=method.title, clip_on=False, **method.line
        )  # fmt: skip
        known = np.isfinite(spread).all(axis=0)
        axes.errorbar(
            x[known], curve.values[known], yerr=spread[:, known],
            fmt="none", ecolor=method.colour, elinewidth=0.8, capsize=1.5, label="_interval",
        )  # fmt: skip
    for curve in panel.curves:
        if not len(curve.percents):
            _level(axes, curve)
    ticks = sorted({float(percent) for curve in lines for percent in curve.percents})
    axes.set_xscale("log")
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set_xlim(ticks[0] / 1.6, ticks[-1] * 1.6)
    axes.set_ylim(limits(*axes.get_ylim(), panel.metric))
    axes.set_xlabel("training labels (%)")
    axes.set_ylabel(f"{METRICS.get(panel.metric, panel.metric)} (%)")


def _level(axes: Axes, curve: Curve) -> None:
    """A line for every fraction, in the band of its interval."""
    line = curve.method.line
    axes.axhline(curve.values[0], label=curve.method.title, clip_on=False, **line)
    if np.isfinite([curve.low[0], curve.high[0]]).all():
        axes.axhspan(curve.low[0], curve.high[0], color=line["color"], alpha=BAND, linewidth=0)


def limits(low: float, high: float, metric: str) -> tuple[float, float]:
    """An axis that shows all of a range, is no shorter than rounding, and within the metric."""
    bottom, top = (0.0, 100.0) if metric in METRICS else (-np.inf, np.inf)
    low, high = max(low, bottom), min(high, top)
    lacking = max(0.0, SMALLEST_RANGE - (high - low)) / 2
    low, high = low - lacking, high + lacking
    shift = max(bottom - low, 0.0) + min(top - high, 0.0)
    return low + shift, high + shift
