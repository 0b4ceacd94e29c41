"""`weight_maps`: the raw weights of scoring layers over pre-training (the paper's Fig. 3)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from benchmark.reporting.figures.canvas import PAGE, new_figure, without_axes
from benchmark.reporting.figures.captions import block_name, data_sentence, joined
from benchmark.reporting.figures.history import (
    WEIGHT_MAP,
    histories,
    moments,
    seeds_sentence,
    training_blocks,
)
from benchmark.reporting.figures.model import Drawing, SkippedFigure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.figure import Figure

    from benchmark.reporting.figures.history import Run
    from benchmark.reporting.figures.material import Material

KIND = "weight_maps"
MOST_MAPS = 5
SIDE = 1.15


def drawings(material: Material) -> Iterator[Drawing | SkippedFigure]:
    """One figure a corpus, a row a method with a scoring layer."""
    blocks = training_blocks(material)
    if not blocks:
        yield SkippedFigure(KIND, "no record of a pre-training")
    for block in blocks:
        found = histories(material, block)
        runs = [run for run in found if run.history is not None and WEIGHT_MAP in run.history]
        if not runs:
            kept = any(run.history is not None for run in found)
            why = "no method has a scoring layer" if kept else "no `history.npz` was kept"
            yield SkippedFigure(KIND, f"{block_name(block)}: {why}")
            continue
        title = f"Scoring-layer weights over pre-training: {block_name(block)}"
        caption = joined(
            [
                "Raw weight of every patch minus the mean over the patches, which the softmax "
                "ignores, at moments evenly spread over pre-training; below each map that mean. "
                "One colour scale a row. An epoch is one pass over the corpus.",
                seeds_sentence(material, block, runs),
                data_sentence([block], material.profile),
            ]
        )
        keys = tuple(sorted(str(run.result.cell["key"]) for run in runs))
        yield Drawing(block, title, caption, partial(_draw, title, runs), keys, block.phantom)


def _draw(title: str, runs: Sequence[Run]) -> Figure:
    histories = [run.history or {} for run in runs]
    columns = max(min(MOST_MAPS, len(history["array_steps"])) for history in histories)
    figure = new_figure(PAGE, 0.4 + (SIDE + 0.2) * len(runs), title)
    grid = figure.subplots(len(runs), columns, squeeze=False)
    for run, history, panels in zip(runs, histories, grid, strict=True):
        maps, steps = np.asarray(history[WEIGHT_MAP]), np.asarray(history["array_steps"])
        chosen = moments(len(maps), columns)
        means = maps.mean(axis=(1, 2))
        shown = maps - means[:, None, None]
        reach = float(np.abs(shown[chosen]).max()) or 1.0
        for axes, index in zip(panels, chosen, strict=False):
            image = axes.imshow(shown[index], cmap="PuOr", vmin=-reach, vmax=reach)
            axes.set_title(_moment(int(steps[index]), run))
            axes.set_xticks([])
            axes.set_yticks([])
            axes.set_xlabel(f"mean {means[index]:.2g}".replace("-", "−"))
        for axes in panels[len(chosen) :]:
            without_axes(axes)
        panels[0].set_ylabel(run.title)
        figure.colorbar(image, ax=list(panels), shrink=0.85, aspect=14, label="weight − mean")
    return figure


def _moment(step: int, run: Run) -> str:
    """`epoch 1.5 (step 300)`; without the epoch where the record does not say its length."""
    facts = run.result.record.get("facts") or {}
    steps, epochs = facts.get("steps"), facts.get("epochs")
    if not steps or not epochs:
        return f"step {step}"
    return f"epoch {step / steps * epochs:.3g} (step {step})"
