"""A task's data by name: manifest, rows, and the patients it tests on."""

from __future__ import annotations

import inspect
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.data.locate import find_root
from benchmark.data.splits import SplitRows, split_rows, subset_rows
from benchmark.registry import source_module

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmark.data.manifest import Manifest
    from benchmark.recipes import Recipe

SPLIT_SEED = 0
"""Of `clean` splits: fixed, so that test sets never move between runs."""

_known: dict[tuple[str, str, str], Manifest] = {}


def load_manifest(
    dataset: str,
    *,
    data_roots: Mapping[str, Path | str] | None = None,
    data_root: Path | str | None = None,
    allow_partial: bool = False,
    lists_root: Path | None = None,
    options: Mapping[str, Any] | None = None,
    cache_dir: Path | None = None,
) -> Manifest:
    """The manifest of a data set, read once a process for the same arguments.

    Args:
        dataset: Name of a reader.
        data_roots: Folder by data set; also tells `ms_cxr` where `mimic_cxr` lies.
        data_root: Folder that holds the data sets.
        allow_partial: Leave out listed images that are absent.
        lists_root: Folder of published lists; `data_root` is looked through anyway.
        options: Further arguments of the reader.
        cache_dir: For readers that keep what is slow to read.

    Raises:
        MissingDataError: The data set is not there.
    """
    module = source_module(dataset)
    roots = data_roots or {}
    root = find_root(module.SOURCE, roots, data_root)
    arguments = dict(options or {})
    if dataset == "ms_cxr" and "mimic_cxr" in roots:
        arguments.setdefault("mimic_root", Path(roots["mimic_cxr"]))
    if "cache_dir" in inspect.signature(module.read).parameters:
        arguments["cache_dir"] = cache_dir
    if lists_root is None and data_root is not None:
        lists_root = Path(data_root)
    asked = {**arguments, "allow_partial": allow_partial, "lists_root": lists_root}
    key = (dataset, str(root.resolve()), json.dumps(asked, sort_keys=True, default=str))
    if key not in _known:
        _known[key] = module.read(root, **asked)
    return _known[key]


def forget_manifests() -> None:
    """Empty the in-process cache (after files changed)."""
    _known.clear()


def load_task_rows(
    manifest: Manifest, recipe: Recipe, label_percent: float | None = None, subset_seed: int = 0
) -> SplitRows:
    """The rows of a recipe's split, `train` cut to the label fraction.

    Where a recipe trains on images with boxes alone, the fraction is one of these. `validation`
    stays whole: a protocol that selects on a matched fraction cuts it with
    `benchmark.data.splits.sample_rows`.
    """
    rows = split_rows(manifest, recipe.split, SPLIT_SEED)
    if label_percent is None:
        return rows
    if recipe.needs_boxes:
        boxed = manifest.images["image"].isin(set(manifest.boxes["image"])).to_numpy()
        rows = replace(rows, train=rows.train[boxed[rows.train]])
    return replace(rows, train=subset_rows(manifest, rows, label_percent, subset_seed))


def tested_patients(manifest: Manifest, rows: SplitRows) -> frozenset[str]:
    """Patients of the validation and test rows: none of them may be pre-trained on."""
    patients = manifest.images["patient"].to_numpy(dtype=object)
    return frozenset(patients[rows.test]) | frozenset(patients[rows.validation])
