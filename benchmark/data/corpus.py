"""The pairs of image and text that a model is pre-trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from benchmark.data.report_text import full_text
from benchmark.errors import MissingDataError

if TYPE_CHECKING:
    from benchmark.data.manifest import Manifest
    from benchmark.recipes import PretrainRecipe


@dataclass(frozen=True)
class Corpus:
    """Rows with their texts, and what was left out.

    Attributes:
        rows: Positions in the manifest, (n,) int64.
        texts: Text of each row, from the sections that the recipe names.
        dropped_patients: Patients of the corpus that a task tests or tunes on.
        dropped_images: Their images.
        views: Images by view, before the filter on views.
        empty_reports: Images left out because their text is empty.
        dropped_by_task: Dropped patients by task, where the tasks are known.
        unread_splits: Splits whose tested patients are unknown, so that none could be dropped.
    """

    rows: np.ndarray
    texts: tuple[str, ...]
    dropped_patients: int = 0
    dropped_images: int = 0
    views: Mapping[str, int] = field(default_factory=dict)
    empty_reports: int = 0
    dropped_by_task: Mapping[str, int] = field(default_factory=dict)
    unread_splits: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)


def read_corpus(
    manifest: Manifest,
    recipe: PretrainRecipe,
    excluded_patients: Mapping[str, Set[str]] | Set[str] = frozenset(),
    unread_splits: Sequence[str] = (),
) -> Corpus:
    """The pre-training pairs of a data set.

    The training part only, where the data set has one. The view filter is skipped where no
    image has a known view. Every excluded patient is dropped unless the recipe says `include`.

    Args:
        manifest: With reports.
        recipe: Views, sections, and the rule on excluded patients.
        excluded_patients: Patients that tasks test or tune on, as a set or by task.
        unread_splits: Splits whose tested patients are unknown, for the record.

    Raises:
        MissingDataError: There are no reports, or nothing is left.
    """
    if not manifest.reports:
        raise MissingDataError(
            f"{manifest.dataset}: no reports were found, so nothing can be pre-trained on.",
            looked_in=[manifest.root, manifest.root.parent, manifest.root.parent.parent],
            remedy="Put the reports (for MIMIC-CXR: mimic-cxr-reports.zip) beside the images.",
        )
    rows = np.arange(len(manifest))
    split = manifest.images["split"].to_numpy(dtype=object)
    if (split == "train").any():
        rows = rows[split == "train"]
    view = manifest.images["view"].to_numpy(dtype=object)
    names, counts = np.unique(view[rows].astype(str), return_counts=True)
    if recipe.views == "frontal" and set(names) != {"unknown"}:
        rows = rows[view[rows] == "frontal"]
    by_task = _by_task(excluded_patients, recipe)
    patients = manifest.images["patient"].to_numpy(dtype=object)
    excluded = frozenset().union(*by_task.values())
    dropped = np.array([patient in excluded for patient in patients[rows]], dtype=bool)
    present = set(patients[rows])
    kept, texts = _with_text(manifest, rows[~dropped], recipe)
    if not len(kept):
        raise MissingDataError(
            f"{manifest.dataset}: of {len(manifest)} images none is left for pre-training "
            f"({int(dropped.sum())} of tested patients, {int((~dropped).sum())} without text).",
            looked_in=[manifest.root],
        )
    return Corpus(
        rows=kept,
        texts=texts,
        dropped_patients=len(present & excluded),
        dropped_images=int(dropped.sum()),
        views={str(name): int(count) for name, count in zip(names, counts)},
        empty_reports=int((~dropped).sum()) - len(kept),
        dropped_by_task={task: len(present & set(names)) for task, names in by_task.items()},
        unread_splits=tuple(unread_splits),
    )


def _by_task(
    excluded: Mapping[str, Set[str]] | Set[str], recipe: PretrainRecipe
) -> dict[str, frozenset[str]]:
    if recipe.ms_cxr_in_pretraining == "include":
        return {}
    if isinstance(excluded, Mapping):
        return {task: frozenset(names) for task, names in excluded.items()}
    return {"all tasks": frozenset(excluded)} if excluded else {}


def _with_text(
    manifest: Manifest, rows: np.ndarray, recipe: PretrainRecipe
) -> tuple[np.ndarray, tuple[str, ...]]:
    """The rows whose text is not empty; the images of a study share one text object."""
    studies = manifest.images["study"].to_numpy(dtype=object)
    by_study: dict[str, str] = {}
    kept, texts = [], []
    for row in rows:
        study = studies[row]
        if study not in by_study:
            by_study[study] = full_text(manifest.reports.get(study, ""), recipe.text_sections)
        if by_study[study].strip(" ."):
            kept.append(row)
            texts.append(by_study[study])
    return np.asarray(kept, dtype=np.int64), tuple(texts)
