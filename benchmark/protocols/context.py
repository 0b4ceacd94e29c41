"""What a protocol gets: one cell's specs, data, model and place to write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.interfaces import Progress, Representation, SentinelSamples
from benchmark.recipes import Recipe
from benchmark.specs import BaselineSpec, Cell, Profile, TaskSpec

if TYPE_CHECKING:
    import numpy as np

    from benchmark.data.corpus import Corpus
    from benchmark.data.manifest import Manifest
    from benchmark.data.splits import SplitRows
    from benchmark.data.store import ImageStore


@dataclass(frozen=True)
class CellContext:
    """Everything one cell needs, handed from the runner to a protocol.

    Attributes:
        recipe: Resolved: the variant's recipe with the profile's and the user's replacements.
        folder: The cell's own folder; training keeps its checkpoints here.
        manifest: Of the task's data set (of the corpus for pre-training).
        rows: Positions in the manifest for train, validation and test; `train` already is the
            labelled subset of `cell.label_percent`.
        store: Opens the image store on first use.
        representation: Builds or fetches the cell's model in eval mode on `device`; for a
            pre-training cell it builds initial weights.
        predict: The sentinel's function, or None for a method.
        corpus: For pre-training: texts and the count of dropped patients.
        hash_patients: Salted hashes of patient names.
    """

    cell: Cell
    task: TaskSpec
    recipe: Recipe
    baseline: BaselineSpec
    profile: Profile
    folder: Path
    manifest: Manifest
    rows: SplitRows
    store: Callable[[], ImageStore]
    representation: Callable[[], Representation]
    predict: Callable[[SentinelSamples, Any, np.random.Generator], Any] | None
    corpus: Corpus | None
    hash_patients: Callable[[Sequence[str]], np.ndarray]
    progress: Progress
    device: str = "cpu"
    threads: int = 2
