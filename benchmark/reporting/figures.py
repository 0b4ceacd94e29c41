"""Figures of a pre-training run from its `history.npz`; matplotlib is imported on first use.

The file holds `loss_NAME`, `rate`, `gradient_norm` (steps,), `array_steps` (m,) and
`array_weight_map` (m, rows, columns) for a method with a scoring layer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.errors import BadDataError, MissingDataError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matplotlib.figure import Figure

LOSS = "loss_"
WEIGHT_MAP = "array_weight_map"
LARGEST_PANELS = 4


def read_history(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a `history.npz`.

    Raises:
        MissingDataError: There is no such file.
        BadDataError: It holds no loss.
    """
    if not path.is_file():
        raise MissingDataError("There is no training history.", looked_in=[path])
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    if not any(name.startswith(LOSS) for name in arrays):
        raise BadDataError("A training history holds no loss.", looked_in=[path])
    return arrays


def loss_figure(history: Mapping[str, np.ndarray], out: Path) -> Path:
    """Every loss against the optimiser step, each in its own panel, smoothed over 1 % of steps."""
    names = sorted(name for name in history if name.startswith(LOSS))
    figure = _figure(4.0 * len(names), 3.0)
    for position, name in enumerate(names, start=1):
        values = np.asarray(history[name], dtype=float)
        axes = figure.add_subplot(1, len(names), position)
        axes.plot(np.arange(1, len(values) + 1), values, linewidth=0.5, alpha=0.4)
        window = max(1, len(values) // 100)
        smooth = np.convolve(values, np.ones(window) / window, mode="valid")
        axes.plot(np.arange(window, len(values) + 1), smooth, linewidth=1.5)
        axes.set_title(name.removeprefix(LOSS))
        axes.set_xlabel("optimiser step")
    return _saved(figure, out)


def weight_map_figure(history: Mapping[str, np.ndarray], out: Path) -> Path:
    """The scoring layer's raw patch weights at up to four moments of pre-training, one scale.

    Raises:
        BadDataError: The history holds no weight map: the method has no scoring layer.
    """
    if WEIGHT_MAP not in history:
        raise BadDataError(
            "The history holds no weight map.",
            remedy="Only a method with a scoring layer has one.",
        )
    maps, steps = np.asarray(history[WEIGHT_MAP]), np.asarray(history["array_steps"])
    chosen = np.unique(np.linspace(0, len(maps) - 1, LARGEST_PANELS).round().astype(int))
    reach = float(np.abs(maps[chosen]).max()) or 1.0
    figure = _figure(2.6 * len(chosen) + 0.8, 2.8)
    panels = figure.subplots(1, len(chosen), squeeze=False)[0]
    for axes, index in zip(panels, chosen, strict=True):
        image = axes.imshow(maps[index], cmap="RdBu_r", vmin=-reach, vmax=reach)
        axes.set_title(f"step {int(steps[index])}")
        axes.set_xticks([])
        axes.set_yticks([])
    figure.colorbar(image, ax=list(panels), shrink=0.8, label="raw weight")
    return _saved(figure, out)


def _figure(width: float, height: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _saved(figure: Any, out: Path) -> Path:
    """Write a PNG without the library's version and time, so that equal data give equal bytes."""
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, metadata={"Software": None})
    return out
