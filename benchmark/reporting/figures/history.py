"""Losses and scoring-layer weights of pre-training, from the `history.npz` of its cells.

The file holds `loss_NAME`, `rate`, `gradient_norm` (steps,), `array_steps` (m,) and
`array_weight_map` (m, rows, columns) for a method with a scoring layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmark.errors import MissingDataError
from benchmark.reporting.figures.material import seed_order
from benchmark.reporting.select import Group

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchmark.reporting.figures.material import Material
    from benchmark.reporting.select import Block, Result

HISTORY_FILE = "history.npz"
LOSS = "loss_"
WEIGHT_MAP = "array_weight_map"


@dataclass(frozen=True)
class Run:
    """One pre-training; `history` is None where its file was not kept."""

    title: str
    result: Result
    history: Mapping[str, np.ndarray] | None


def read_history(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a `history.npz`; without a loss where no step was taken.

    Raises:
        MissingDataError: There is no such file.
    """
    if not path.is_file():
        raise MissingDataError("There is no training history.", looked_in=[path])
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def losses_of(history: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The losses by name, `total` first, float64."""
    names = [name.removeprefix(LOSS) for name in history if name.startswith(LOSS)]
    ordered = sorted(names, key=lambda name: (name != "total", name))
    return {name: np.asarray(history[LOSS + name], dtype=float) for name in ordered}


def by_percent(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Last step (from 1), mean, smallest and largest value of every 1 % of the steps.

    Of every step where there are fewer than 200. What is left over at the end joins the last one.
    """
    window = max(1, len(values) // 100)
    starts = np.arange(len(values) // window) * window
    ends = np.append(starts[1:], len(values))
    means = np.add.reduceat(values, starts) / (ends - starts)
    return ends, means, np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)


def moments(count: int, most: int) -> np.ndarray:
    """Positions of at most `most` of `count` moments, evenly spread, first and last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))


def histories(material: Material, block: Block) -> list[Run]:
    """The pre-training of each method on one corpus, its first seed, in the figures' order."""
    first: dict[Group, Result] = {}
    for item in sorted(material.pretraining, key=seed_order):
        if item.block == block:
            first.setdefault(training_group(item), item)
    runs = []
    for group, method in material.pretrained.items():
        if group in first:
            path = first[group].folder / HISTORY_FILE
            history = read_history(path) if path.is_file() else None
            runs.append(Run(method.title, first[group], history))
    return runs


def training_group(result: Result) -> Group:
    """What a pre-training record belongs to: baseline and options, whatever the seed."""
    group = result.group
    return Group(group.baseline, options=group.options)


def training_blocks(material: Material) -> list[Block]:
    """Task, variant and corpus of all pre-training records, sorted."""
    return sorted({item.block for item in material.pretraining})


def seeds_sentence(material: Material, block: Block, runs: Sequence[Run]) -> str:
    """Which pre-training seeds are shown."""
    seeds = sorted({run.result.cell["seeds"]["pretrain"] for run in runs})
    all_of_them = [item for item in material.pretraining if item.block == block]
    several = len({item.cell["seeds"]["pretrain"] for item in all_of_them}) > 1
    told = ", ".join(str(seed) for seed in seeds)
    return f"Pre-training seed{' (the first of several)' if several else ''}: {told}."
