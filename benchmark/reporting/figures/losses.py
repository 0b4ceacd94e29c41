"""`losses`: the parts of every method's pre-training loss against the optimiser step."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.reporting.figures.canvas import BLACK, DASHES, PAGE, PALETTE, log_ticks, new_figure
from benchmark.reporting.figures.captions import block_name, data_sentence, joined
from benchmark.reporting.figures.history import (
    by_percent,
    histories,
    losses_of,
    seeds_sentence,
    training_blocks,
)
from benchmark.reporting.figures.legends import legend_below
from benchmark.reporting.figures.model import Drawing, SkippedFigure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from benchmark.reporting.figures.history import Run
    from benchmark.reporting.figures.material import Material

KIND = "losses"
MOST_COLUMNS = 3
LOGARITHMIC_FROM = 30.0
"""Ratio of the largest to the smallest loss from which an axis is logarithmic."""


def drawings(material: Material) -> Iterator[Drawing | SkippedFigure]:
    """One figure a corpus, a panel a method."""
    blocks = training_blocks(material)
    if not blocks:
        yield SkippedFigure(KIND, "no record of a pre-training")
    for block in blocks:
        runs = [run for run in histories(material, block) if losses_of(run.history or {})]
        if not runs:
            yield SkippedFigure(KIND, f"{block_name(block)}: no history of a step was kept")
            continue
        title = f"Pre-training losses: {block_name(block)}"
        caption = joined(
            [
                "Each part of the loss against the optimiser step, a panel a method: the mean "
                "over each 1 % of the steps and, faint, their range. `total` is what is "
                "minimised; parts of different methods are not comparable.",
                seeds_sentence(material, block, runs),
                data_sentence([block], material.profile),
            ]
        )
        keys = tuple(sorted(str(run.result.cell["key"]) for run in runs))
        yield Drawing(block, title, caption, partial(_draw, title, runs), keys, block.phantom)


def _draw(title: str, runs: Sequence[Run]) -> Figure:
    columns = min(MOST_COLUMNS, len(runs))
    rows = -(-len(runs) // columns)
    width = PAGE * columns / MOST_COLUMNS if columns > 1 else PAGE / 2
    figure = new_figure(width, 0.35 + 1.9 * rows, title)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    looks = _looks(runs)
    for axes, run in zip(panels, runs, strict=False):
        _panel(axes, run, looks)
    for axes in panels[len(runs) :]:
        axes.remove()
    handles = {line.get_label(): line for axes in panels[: len(runs)] for line in axes.lines}
    shown = [handles[name] for name in looks]
    legend_below(figure, shown)
    return figure


def _looks(runs: Sequence[Run]) -> dict[str, tuple[str, Any]]:
    """Colour and dashes of every part, one for all methods; `total` is black and solid."""
    names = {name for run in runs for name in losses_of(run.history or {})}
    parts = sorted(names - {"total"})
    looks: dict[str, tuple[str, Any]] = {"total": (BLACK, "-")} if "total" in names else {}
    for place, name in enumerate(parts):
        colour = PALETTE[place % (len(PALETTE) - 1)]
        looks[name] = (colour, DASHES[1 + place % (len(DASHES) - 1)])
    return looks


def _panel(axes: Axes, run: Run, looks: Mapping[str, tuple[str, Any]]) -> None:
    losses = losses_of(run.history or {})
    for name, values in losses.items():
        colour, dash = looks[name]
        steps, means, low, high = by_percent(values)
        if len(steps) < len(values):
            axes.fill_between(steps, low, high, color=colour, alpha=0.25, linewidth=0)
        axes.plot(steps, means, color=colour, linestyle=dash, label=name)
    reached = np.concatenate(list(losses.values()))
    if reached.min() > 0 and reached.max() / reached.min() >= LOGARITHMIC_FROM:
        axes.set_yscale("log")
        log_ticks(axes.yaxis, (1.0, 2.0, 5.0))
    axes.set_title(run.title)
    axes.set_xlabel("optimiser step")
    axes.set_ylabel("loss")
