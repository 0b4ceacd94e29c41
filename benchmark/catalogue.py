"""The data sets of one run: each is found, read and fingerprinted once a process."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmark import fingerprint, registry
from benchmark.errors import LeakError, MacoBenchError
from benchmark.reader_options import reader_options
from benchmark.recipes import PretrainRecipe, Recipe
from benchmark.specs import TaskSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmark.data.manifest import Manifest
    from benchmark.data.splits import SplitRows
    from benchmark.settings import Settings


@dataclass(frozen=True)
class Exclusions:
    """What a corpus leaves out.

    Attributes:
        by_task: Patients of the corpus that a task tests or tunes on, in any of its variants.
        unread_splits: `DATASET@SPLIT` of such tasks whose data are absent or broken: nobody could
            be left out for them.
    """

    by_task: Mapping[str, frozenset[str]] = field(default_factory=dict)
    unread_splits: tuple[str, ...] = ()

    @property
    def patients(self) -> frozenset[str]:
        """All of them."""
        return frozenset().union(*self.by_task.values())


def tasks_sharing(namespaces: Set[str]) -> list[TaskSpec]:
    """All tasks whose data set may hold patients of some namespaces, sorted by name."""
    tasks = [registry.load_task(name) for name in registry.task_names()]
    return [
        task
        for task in tasks
        if task.dataset and registry.load_source(task.dataset).namespaces & namespaces
    ]


class Catalogue:
    """Manifests by data set name, with their keys and splits."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._found: dict[str, Manifest | MacoBenchError] = {}
        self._rows: dict[tuple[str, str, bool, float | None, int], SplitRows] = {}
        self._exclusions: Exclusions | None = None

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
        """Refuse reader options that are not known or typed, before any data are looked for."""
        for dataset, options in self._settings.sources.items():
            reader_options(dataset, options)

    def _read(self, dataset: str) -> Manifest:
        from benchmark.data.task_data import load_manifest

        settings = self._settings
        options = reader_options(dataset, settings.sources.get(dataset, {}))
        return load_manifest(
            dataset,
            data_roots=settings.data_roots,
            data_root=settings.data_root,
            allow_partial=settings.allow_partial,
            options=options,
            cache_dir=settings.cache_dir,
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

        place = (dataset, recipe.split, recipe.needs_boxes, percent, seed)
        if place not in self._rows:
            self._rows[place] = load_task_rows(self.manifest(dataset), recipe, percent, seed)
        return self._rows[place]

    def exclusions(self, recipe: PretrainRecipe) -> Exclusions:
        """Who is left out of the corpus: every patient that some task tests or tunes on.

        All tasks count whose data set shares a namespace of patients with the corpus, whatever
        the suite and the call ask for. So suites share their weights, and no weights meet a
        patient whom a later call tests on. Other data sets are not read.

        Raises:
            MacoBenchError: The corpus is absent or broken.
        """
        if recipe.ms_cxr_in_pretraining == "include":
            return Exclusions()
        if self._exclusions is None:
            corpus = frozenset(self.manifest(self._settings.corpus).images["patient"])
            self._exclusions = self._excluded_from(corpus)
        return self._exclusions

    def _excluded_from(self, corpus: frozenset[str]) -> Exclusions:
        by_task: dict[str, frozenset[str]] = {}
        unread: set[str] = set()
        for task in tasks_sharing({name.partition(":")[0] for name in corpus}):
            found: set[str] = set()
            for recipe in task.variants.values():
                try:
                    found |= corpus & self._tested(task.dataset, recipe)
                except LeakError:
                    raise
                except MacoBenchError:
                    unread.add(f"{task.dataset}@{recipe.split}")
            by_task[task.name] = frozenset(found)
        return Exclusions(by_task, tuple(sorted(unread)))

    def _tested(self, dataset: str, recipe: Recipe) -> frozenset[str]:
        from benchmark.data.task_data import tested_patients

        return tested_patients(self.manifest(dataset), self.rows(dataset, recipe))
