"""The data sets of one run: each is found, read and fingerprinted once a process."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from benchmark import fingerprint, registry
from benchmark.errors import LeakError, MacoBenchError, MissingDataError, unknown_name
from benchmark.recipes import PretrainRecipe, Recipe
from benchmark.specs import Suite, TaskSpec

if TYPE_CHECKING:
    from benchmark.data.manifest import Manifest
    from benchmark.data.splits import SplitRows
    from benchmark.settings import Settings

SPLIT_SEED = 0
"""Seed of our own train / validation / test split: one for all runs, so that tests are shared."""


class Catalogue:
    """Manifests by data set name, with their keys and splits."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._found: dict[str, Manifest | MacoBenchError] = {}
        self._splits: dict[tuple[str, str], SplitRows] = {}

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

    def _read(self, dataset: str) -> Manifest:
        module = registry.source_module(dataset)
        options = self._options(dataset, module.read)
        root = self._root(dataset)
        manifest: Manifest = module.read(
            root, allow_partial=self._settings.allow_partial, **options
        )
        return manifest

    def _root(self, dataset: str) -> Any:
        from benchmark.data.locate import find_root

        settings = self._settings
        source = registry.load_source(dataset)
        return find_root(source, settings.data_roots, settings.data_root)

    def _options(self, dataset: str, read: Any) -> dict[str, Any]:
        """The user's reader options, and the folders of other data sets that it asks for.

        A reader that needs another data set takes its folder as an argument `NAME_root`, such
        as `mimic_cxr_root`; it is filled in where that data set is present.
        """
        parameters = inspect.signature(read).parameters
        options = dict(self._settings.sources.get(dataset, {}))
        for name in options:
            if name not in parameters:
                known = set(parameters) - {"root", "allow_partial"}
                raise unknown_name(f"option of the reader {dataset}", name, known)
        for name in parameters:
            other = name.removesuffix("_root")
            if name not in options and other != name and other in registry.source_names():
                try:
                    options[name] = self._root(other)
                except MissingDataError:
                    continue
        return options

    def key(self, dataset: str) -> str:
        """Content key of a data set."""
        return fingerprint.data_key(self.manifest(dataset))

    def data_id(self, dataset: str) -> str:
        """Name of the data in paths and tables."""
        return fingerprint.data_id(self.manifest(dataset))

    def split(self, dataset: str, split: str) -> SplitRows:
        """Rows of training, validation and test of a named split."""
        from benchmark.data.splits import split_rows

        if (dataset, split) not in self._splits:
            manifest = self.manifest(dataset)
            self._splits[dataset, split] = split_rows(manifest, split, SPLIT_SEED)
        return self._splits[dataset, split]

    def excluded_patients(self, suite: Suite, recipe: PretrainRecipe) -> frozenset[str]:
        """Patients of the corpus that a task of the suite tests on.

        All tasks of the suite count, whichever of them run now, so that the weights do not
        depend on the selection. Grounding also tunes on its validation patients, so they are
        left out too. A data set that is absent can neither be tested on nor excluded.
        """
        if recipe.ms_cxr_in_pretraining == "include":
            return frozenset()
        corpus = set(self.manifest(self._settings.corpus).images["patient"])
        excluded: set[str] = set()
        for entry in suite.entries:
            task = registry.load_task(entry.task)
            if task.dataset:
                variant = entry.variant or next(iter(task.variants))
                excluded |= self._tested_patients(task, task.variants[variant])
        return frozenset(corpus & excluded)

    def _tested_patients(self, task: TaskSpec, recipe: Recipe) -> set[str]:
        try:
            manifest = self.manifest(task.dataset)
            rows = self.split(task.dataset, recipe.split)
        except LeakError:
            raise
        except MacoBenchError:
            return set()
        patients = manifest.images["patient"].to_numpy()
        tested = set(patients[rows.test])
        return tested | set(patients[rows.validation]) if task.protocol == "ground" else tested

    def labelled(self, task: TaskSpec, recipe: Recipe, percent: float | None, seed: int) -> Any:
        """The split of a task with its training rows cut to a label percent."""
        from benchmark.data.splits import subset_rows

        rows = self.split(task.dataset, recipe.split)
        if percent is None:
            return rows
        return subset_rows(self.manifest(task.dataset), rows, percent, seed)
