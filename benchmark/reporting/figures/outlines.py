"""Outlines of boxes and masks: truth solid and filled, predictions dashed, both with a halo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.reporting.figures.canvas import GREEN, VERMILLION
from benchmark.reporting.figures.images import shrunk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TRUE, PREDICTED, ON_HEAT = "truth", "prediction", "truth on a heat map"
COLOURS = {TRUE: GREEN, PREDICTED: VERMILLION, ON_HEAT: "#ffffff"}
HALOS = {TRUE: "#ffffff", PREDICTED: "#ffffff", ON_HEAT: "#000000"}
DASHES: dict[str, Any] = {TRUE: "-", PREDICTED: (0, (3, 1.2)), ON_HEAT: "-"}
LONGEST_SIDE = 160
"""Pixels of a mask before its outline is drawn: finer steps are not seen in print."""
LEGEND_INCHES = 0.24


def boxes(axes: Axes, xywh: np.ndarray, kind: str) -> None:
    """Draw boxes (m, 4), x y w h."""
    from matplotlib.patches import Rectangle

    for x, y, width, height in np.asarray(xywh, dtype=float).reshape(-1, 4):
        box = Rectangle((x, y), width, height, fill=False, label=kind, **_line(kind))
        axes.add_patch(box)
        if kind == TRUE:
            axes.add_patch(
                Rectangle((x, y), width, height, color=COLOURS[kind], alpha=0.2, linewidth=0)
            )


def scores(axes: Axes, xywh: np.ndarray, values: np.ndarray) -> None:
    """Write the score of each box (m, 4) at its top left corner."""
    from matplotlib.patheffects import withStroke

    for (x, y, _, _), value in zip(xywh, values, strict=True):
        text = axes.text(x, y, f"{value:.2f}", fontsize=7.0, va="bottom", color="#8a3c00")
        text.set_path_effects([withStroke(linewidth=1.8, foreground="white", alpha=0.8)])
        text.set_clip_on(True)


def mask(axes: Axes, inside: np.ndarray, kind: str) -> None:
    """Draw the outline of a mask, booleans (height, width); nothing where it is empty."""
    if not inside.any():
        return
    height, width = inside.shape
    small = shrunk(np.asarray(inside, dtype=np.uint8) * 255, LONGEST_SIDE)
    # A border of zeros closes outlines that would leave the frame.
    padded = np.pad(small.astype(float), 1)
    x = (np.arange(padded.shape[1]) - 0.5) * width / small.shape[1]
    y = (np.arange(padded.shape[0]) - 0.5) * height / small.shape[0]
    line = _line(kind)
    drawn = axes.contour(
        np.clip(x, 0, width), np.clip(y, 0, height), padded, levels=[127.5],
        colors=[line["edgecolor"]], linewidths=[line["linewidth"]], linestyles=[line["linestyle"]],
    )  # fmt: skip
    drawn.set_path_effects(line["path_effects"])
    if kind == TRUE:
        axes.contourf(
            np.clip(x, 0, width), np.clip(y, 0, height), padded, levels=[127.5, 256],
            colors=[COLOURS[kind]], alpha=0.2,
        )  # fmt: skip


def add_legend(figure: Figure, kinds: Sequence[str] = (TRUE, PREDICTED)) -> None:
    """Name the kinds of outline below all."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=COLOURS[kind], linestyle=DASHES[kind], linewidth=1.4, label=kind)
        for kind in kinds
    ]
    figure.legend(handles=handles, loc="lower center", ncols=len(handles))


def _line(kind: str) -> dict[str, Any]:
    from matplotlib.patheffects import withStroke

    return {
        "edgecolor": COLOURS[kind],
        "linestyle": DASHES[kind],
        "linewidth": 1.1,
        "path_effects": [withStroke(linewidth=2.2, foreground=HALOS[kind], alpha=0.7)],
    }
