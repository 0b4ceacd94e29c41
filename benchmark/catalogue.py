"""The data sets of one run: each is found, read and fingerprinted once a process."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from benchmark import fingerprint, registry
from benchmark.errors import LeakError, MacoBenchError, unknown_name
from benchmark.recipes import PretrainRecipe, Recipe
from benchmark.specs import Suite, TaskSpec

if TYPE_CHECKING:
    from benchmark.data.manifest import Manifest
    from benchmark.data.splits import SplitRows
    from benchmark.settings import Settings

_FILLED_IN = frozenset({"root", "allow_partial", "lists_root", "mimic_root"})


class Catalogue:
    """Manifests by data set name, with their keys and splits."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._found: dict[str, Manifest | MacoBenchError] = {}
        self._rows: dict[tuple[str, str, float | None, int], SplitRows] = {}

    def manifest(self, dataset: str) -> Manifest:
        """The manifest of a data set; an error is remembered and raised again.

        Raises:
            MissingDataError: The data set, or a file of it, is not there.
            BadDataError: A file does not hold what its layout says.
        """
        if dataset not in self._found:
            try:
                self._found[dataset] = self._read(dataset)
            except MacoBenchError as error:
                self._found[dataset] = error
        found = self._found[dataset]
        if isinstance(found, MacoBenchError):
            raise found
        return found

    def check_options(self) -> None:
        """Refuse reader options that no reader has, before any data are looked for."""
        for dataset, options in self._settings.sources.items():
            parameters = inspect.signature(registry.source_module(dataset).read).parameters
            for name in options:
                if name not in parameters:
                    known = set(parameters) - _FILLED_IN
                    raise unknown_name(f"option of the reader {dataset}", name, known)

    def _read(self, dataset: str) -> Manifest:
        from benchmark.data.task_data import load_manifest

        settings = self._settings
        options: dict[str, Any] = dict(settings.sources.get(dataset, {}))
        return load_manifest(
            dataset,
            data_roots=settings.data_roots,
            data_root=settings.data_root,
            allow_partial=settings.allow_partial,
            options=options,
        )

    def key(self, dataset: str) -> str:
        """Content key of a data set."""
        return fingerprint.data_key(self.manifest(dataset))

    def data_id(self, dataset: str) -> str:
        """Name of the data in paths and tables."""
        return fingerprint.data_id(self.manifest(dataset))

    def rows(
        self, dataset: str, recipe: Recipe, percent: float | None = None, seed: int = 0
    ) -> SplitRows:
        """Training, validation and test rows, training cut to a label percent."""
        from benchmark.data.task_data import load_task_rows

        place = (dataset, recipe.split, percent, seed)
        if place not in self._rows:
            self._rows[place] = load_task_rows(self.manifest(dataset), recipe, percent, seed)
        return self._rows[place]

    def excluded_patients(self, suite: Suite, recipe: PretrainRecipe) -> dict[str, frozenset[str]]:
        """By task: patients of the corpus that a task of the suite tests or tunes on.

        All tasks of the suite count, whichever of them run now, so that the weights do not
        depend on the selection. A data set that is absent can neither be tested on nor excluded.
        """
        if recipe.ms_cxr_in_pretraining == "include":
            return {}
        corpus = frozenset(self.manifest(self._settings.corpus).images["patient"])
        excluded: dict[str, frozenset[str]] = {}
        for entry in suite.entries:
            task = registry.load_task(entry.task)
            if task.dataset:
                variant = entry.variant or next(iter(task.variants))
                name = f"{task.name}@{variant}"
                excluded[name] = corpus & self._tested(task, task.variants[variant])
        return excluded

    def _tested(self, task: TaskSpec, recipe: Recipe) -> frozenset[str]:
        from benchmark.data.task_data import tested_patients

        try:
            return tested_patients(self.manifest(task.dataset), self.rows(task.dataset, recipe))
        except LeakError:
            raise
        except MacoBenchError:
            return frozenset()
