"""`temperature`: CNR and mIoU against the temperature of the patch weights (v1's Fig. 5).

Maps are scored anew from stored similarities and weights by the metric's own functions. Validation
chooses the temperature, test is shown beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.metrics.grounding_forms import map_forms, pair_set, stored_weights
from benchmark.metrics.grounding_summary import mean_of_columns
from benchmark.metrics.predictions import rows_of
from benchmark.reporting.figures.canvas import PAGE, log_ticks, new_figure
from benchmark.reporting.figures.captions import (
    block_name,
    data_sentence,
    joined,
    keys_of,
    seeds_sentence,
)
from benchmark.reporting.figures.grounding import RECIPES, Maps, maps_of
from benchmark.reporting.figures.legends import legend_below
from benchmark.reporting.figures.model import Drawing, SkippedFigure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from benchmark.reporting.figures.material import Material, Shown
    from benchmark.reporting.select import Block

KIND = "temperature"
SPLITS: dict[str, Any] = {"validation": "-", "test": (0, (4, 1.5))}
METRICS = {"cnr": "mean CNR", "miou": "mIoU"}
OCTAVES = range(-4, 6)
"""Powers of two times the weights' spread that the grid holds at least."""


@dataclass(frozen=True)
class Sweep:
    """One method's scores over temperatures.

    Attributes:
        temperatures: (t,) ascending.
        values: (t,) by split and metric, such as `values["test"]["cnr"]`; NaN where undefined.
        chosen: By validation.
        official: The paper's.
        spread: Standard deviation of the weights.
        candidates: Multiples of it among which validation chose.
    """

    shown: Shown
    temperatures: np.ndarray
    values: dict[str, dict[str, np.ndarray]]
    chosen: float
    official: float
    spread: float
    candidates: tuple[float, ...]


def drawings(material: Material) -> Iterator[Drawing | SkippedFigure]:
    """One figure for each grounding task and variant with a method that has weights."""
    blocks = material.blocks(*RECIPES)
    if not blocks:
        yield SkippedFigure(KIND, "no record of a grounding task")
    for block in blocks:
        every = material.shown(block)
        sweeps = [sweep for shown in every for sweep in [sweep_of(shown)] if sweep is not None]
        if not sweeps:
            why = "no method keeps patch weights that differ from each other"
            yield SkippedFigure(KIND, f"{block_name(block)}: {why}")
            continue
        reference = [s for s in every if s.method.group.baseline == material.reference]
        yield _drawing(material, block, sweeps, reference)


def temperatures(spread: float, candidates: Sequence[float], official: float) -> np.ndarray:
    """The grid: octaves of the spread and the recipe's candidates, on to the paper's value."""
    reach = [2.0**power for power in OCTAVES]
    while official < reach[0] * spread:
        reach.insert(0, reach[0] / 2)
    while official > reach[-1] * spread:
        reach.append(reach[-1] * 2)
    return np.unique([*(spread * np.array([*reach, *candidates])), official])


def sweep_of(shown: Shown) -> Sweep | None:
    """The sweep of one method; None without weights, or where all of them are equal."""
    stored = (shown.result.record.get("selection") or {}).get("weight_temperature")
    chosen = float(stored or 0.0)
    maps = maps_of(shown) if chosen and shown.method.role != "sentinel" else None
    if maps is None:
        return None
    recipe = maps.recipe
    spread = float(stored_weights(maps.predictions).std())
    grid = temperatures(spread, recipe.weight_temperatures, recipe.official_weight_temperature)
    grid = np.unique([*grid, chosen])
    values = {split: _scores(maps, split, grid) for split in SPLITS}
    official = float(recipe.official_weight_temperature)
    return Sweep(shown, grid, values, chosen, official, spread, recipe.weight_temperatures)


def _scores(maps: Maps, split: str, grid: np.ndarray) -> dict[str, np.ndarray]:
    """CNR and mIoU of one split at every temperature."""
    rows = rows_of(maps.predictions, split)
    found: dict[str, list[float]] = {name: [] for name in METRICS}
    if len(rows):
        pairs = pair_set(maps.predictions, rows, maps.recipe)
        for temperature in grid:
            form = map_forms(maps.predictions, maps.recipe, float(temperature))[""]
            scores = pairs.score(form.maps(rows))
            columns = {"cnr": scores.cnr[:, None], "miou": scores.iou_empty_is_zero}
            for name, values in columns.items():
                mean = mean_of_columns(values)
                found[name].append(np.nan if mean is None else mean)
    missing = np.full(len(grid), np.nan)
    return {name: np.array(values) if values else missing for name, values in found.items()}


def _drawing(
    material: Material, block: Block, sweeps: Sequence[Sweep], reference: Sequence[Shown]
) -> Drawing:
    title = block_name(block, "Temperature of the patch weights")
    shown = [sweep.shown for sweep in sweeps]
    told = ", ".join(
        f"{sweep.shown.method.title}: chosen {sweep.chosen:.3g} = "
        f"{sweep.chosen / sweep.spread:.3g} x {sweep.spread:.3g}"
        for sweep in sweeps
    )
    candidates = ", ".join(f"{multiple:g}" for multiple in sweeps[0].candidates)
    levels = " and ".join(item.method.title for item in reference)
    caption = joined(
        [
            "Mean CNR and mIoU (an empty prediction counts 0) of similarities times patch weights "
            "against the temperature of their softmax, scored anew from what is stored. Solid: "
            f"validation, which chooses by CNR among {candidates} times the standard deviation of "
            "the weights; dashed: test; marker: the chosen value. Vertical: the paper's value.",
            f"Horizontal, grey: {levels} on test, which has no temperature." if levels else "",
            f"{told}.",
            seeds_sentence(material, block, shown),
            data_sentence([block], material.profile),
        ]
    )
    draw = partial(_draw, title, sweeps, reference)
    return Drawing(block, title, caption, draw, keys_of([*shown, *reference]), block.phantom)


def _draw(title: str, sweeps: Sequence[Sweep], reference: Sequence[Shown]) -> Figure:
    from matplotlib.lines import Line2D

    figure = new_figure(PAGE, 2.55, title)
    panels = figure.subplots(1, len(METRICS))
    for axes, name in zip(panels, METRICS, strict=True):
        _panel(axes, name, sweeps, reference)
    shape: dict[str, Any] = {"color": "#333333", "marker": ""}
    handles = [
        Line2D([], [], color=s.shown.method.colour, marker=s.shown.method.marker or ".",
               label=s.shown.method.title)
        for s in sweeps
    ]  # fmt: skip
    handles += [
        Line2D([], [], linestyle=dash, label=split, **shape) for split, dash in SPLITS.items()
    ]
    handles += [
        Line2D([], [], label=f"{item.method.title} (test)", **item.method.line)
        for item in reference
    ]
    official = ", ".join(f"{value:g}" for value in sorted({sweep.official for sweep in sweeps}))
    handles.append(Line2D([], [], linestyle=":", label=f"the paper's value, {official}", **shape))
    legend_below(figure, handles)
    return figure


def _panel(axes: Axes, name: str, sweeps: Sequence[Sweep], reference: Sequence[Shown]) -> None:
    for sweep in sweeps:
        method = sweep.shown.method
        at = np.flatnonzero(sweep.temperatures == sweep.chosen)
        for split, dash in SPLITS.items():
            values = sweep.values[split][name]
            axes.plot(
                sweep.temperatures, values, color=method.colour, linestyle=dash,
                marker=method.marker or ".", markevery=at.tolist(),
                label=f"{method.title}, {split}",
            )  # fmt: skip
    for item in reference:
        value = (item.result.record["metrics"].get(name) or {}).get("value")
        if value is not None:
            axes.axhline(value, label=item.method.title, **item.method.line)
    for official in sorted({sweep.official for sweep in sweeps}):
        axes.axvline(official, color="#333333", linestyle=":", linewidth=0.8, label="official")
    axes.set_xscale("log")
    log_ticks(axes.xaxis)
    axes.set_xlabel("temperature of the patch weights (log scale)")
    axes.set_ylabel(METRICS[name])
