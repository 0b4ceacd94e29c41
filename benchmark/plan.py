"""Suite x profile x data -> cells and their state. Decides first; work comes after.

Nothing here opens an image or imports torch: label files are read, image files are listed.
"""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmark import registry
from benchmark.catalogue import Catalogue, tasks_sharing
from benchmark.cells import Origin, Resolved, evaluate_cell, resolve, why_not_applicable
from benchmark.errors import MacoBenchError, UsageError, unknown_name
from benchmark.fingerprint import file_checksum
from benchmark.own_weights import require_file
from benchmark.phantom_cache import with_phantom
from benchmark.pretraining_cells import PretrainingCells, data_state
from benchmark.settings import Settings
from benchmark.specs import BaselineSpec, Cell, Seeds, State, Suite, SuiteEntry
from benchmark.states import PlannedCell, after_pretraining, cell_outside, state_of

EVERY = "all"
"""In place of a baseline's name: the suite's, and all methods that there are."""
EVERY_FROM_SCRATCH = "all+from_scratch"
"""Beside `all`: those methods once more, each without its start weights."""
_EVERYTHING = (EVERY, EVERY_FROM_SCRATCH)


@dataclass(frozen=True)
class Plan:
    """All cells of a call. `settings` name the data really used (the phantom, where drawn)."""

    cells: tuple[PlannedCell, ...]
    settings: Settings
    suite: Suite

    def counts(self) -> dict[str, int]:
        """Number of cells by state."""
        return dict(Counter(item.state for item in self.cells))

    def in_state(self, *states: State) -> list[PlannedCell]:
        """The cells in one of some states, in plan order."""
        return [item for item in self.cells if item.state in states]


def make_plan(settings: Settings, progress: Any = None) -> Plan:
    """The cells that the settings mean, each with its state.

    Without a data root those parts of the profile's phantom that the cells read are drawn into
    the cache first (once).

    Args:
        settings: What was asked.
        progress: Told how far the phantom is.

    Raises:
        UsageError: An unknown name, or a selection that matches nothing.
    """
    _check_request(settings)
    if settings.uses_phantom:
        settings = with_phantom(settings, progress, _Planner(settings).datasets())
    return _Planner(settings).plan()


def _check_request(settings: Settings) -> None:
    """Refuse what is misspelt or absent before a phantom is drawn for it."""
    registry.load_suite(settings.suite)
    for name in settings.tasks:
        registry.load_task(name.partition("@")[0])
    for name in settings.baselines:
        if name not in _EVERYTHING:
            registry.load_baseline(name)
    outside = [name for name in settings.baselines if registry.is_outside(name)]
    if settings.weights is not None and outside:
        raise UsageError(
            f"`{outside[0]}` names its own weights; --weights does not go with it.",
            remedy="Leave out --weights.",
        )
    if settings.weights is not None:
        require_file(settings.weights)


def methods_of_all(suite: Suite, profile: str) -> tuple[str, ...]:
    """Methods that `--baselines all` adds to a suite: every one, or those of the profile."""
    return suite.profile_methods.get(profile) or tuple(registry.method_names())


class _Planner:
    def __init__(self, settings: Settings) -> None:
        self.suite = registry.load_suite(settings.suite)
        self.settings = replace(settings, corpus=settings.corpus or self.suite.corpus)
        self.catalogue = Catalogue(self.settings)
        self.pretraining = PretrainingCells(self.suite, self.settings, self.catalogue)
        self._check_names()

    def _check_names(self) -> None:
        """Refuse misspelt names in replaced options, which would otherwise replace nothing."""
        self.catalogue.check_options()
        for name in self.settings.options:
            registry.load_baseline(name)
        protocols = {registry.load_task(name).protocol for name in registry.task_names()}
        for name in self.settings.recipes:
            protocol, _, baseline = name.partition("@")
            if protocol not in protocols:
                raise unknown_name("protocol", protocol, protocols)
            if baseline:
                registry.load_baseline(baseline)
        registry.source_module(self.settings.corpus)

    def plan(self) -> Plan:
        wanted: list[PlannedCell] = []
        for entry in self._entries():
            wanted.extend(self._entry_cells(entry))
        selected = [item for item in wanted if self._matches(item.cell)]
        self._check_one_reader(selected)
        cells = (*self.pretraining.behind(selected), *selected)
        if not cells:
            raise UsageError(
                "The selection matches no cell.",
                remedy="`maco-bench plan` without --only shows all names.",
            )
        return Plan(cells, self.settings, self.suite)

    def _check_one_reader(self, cells: Sequence[PlannedCell]) -> None:
        """A file of weights belongs to one method: it must not enter a table under two names."""
        if self.settings.weights is None:
            return
        readers = {
            item.cell.baseline
            for item in cells
            if registry.load_baseline(item.cell.baseline).kind == "method"
        }
        if len(readers) > 1:
            raise UsageError(
                f"--weights names one file, and {len(readers)} methods would read it: "
                f"{', '.join(sorted(readers))}.",
                remedy="Name one, and sentinels beside it: --baselines METHOD,oracle,chance.",
            )

    def datasets(self) -> set[str]:
        """The data sets that the cells read; asked before there are any data.

        With a corpus come those whose tested patients it leaves out. Without data a cell has its
        name all the same, and is blocked where it would read any.
        """
        found: set[str] = set()
        for item in self.plan().in_state("blocked"):
            if item.cell.kind == "evaluate":
                found.add(registry.load_task(item.cell.task).dataset)
            elif self.settings.corpus not in found:
                corpus = registry.load_source(self.settings.corpus)
                found |= {corpus.name, *(task.dataset for task in tasks_sharing(corpus.namespaces))}
        return found

    def _matches(self, cell: Cell) -> bool:
        return not self.settings.only or fnmatch.fnmatchcase(cell.name, self.settings.only)

    def _entries(self) -> list[SuiteEntry]:
        """The suite's entries, cut to the tasks asked for; a task outside it may be asked for."""
        entries = list(self.suite.entries)
        if not self.settings.tasks:
            return entries
        chosen: list[SuiteEntry] = []
        for wanted in self.settings.tasks:
            name, _, variant = wanted.partition("@")
            task = registry.load_task(name)
            if variant and variant not in task.variants:
                raise unknown_name(f"variant of {name}", variant, task.variants)
            mine = [entry for entry in entries if entry.task == name]
            if variant:
                mine = [entry for entry in mine if entry.variant in ("", variant)]
                mine = [replace(entry, variant=variant) for entry in mine[:1]]
            chosen += mine or [SuiteEntry(name, variant)]
        return chosen

    def _baselines(self, entry: SuiteEntry) -> tuple[str, ...]:
        profile = self.settings.profile
        suites = self.suite.profile_baselines.get(profile, self.suite.baselines)
        chosen = entry.profile_baselines.get(profile, entry.baselines)
        if EVERY not in self.settings.baselines:
            return self.settings.baselines or chosen or suites
        # What a suite chose for one task (the rows of an ablation, say) stays chosen.
        names = list(chosen or (*suites, *methods_of_all(self.suite, profile)))
        if EVERY_FROM_SCRATCH in self.settings.baselines:
            methods = [name for name in names if registry.load_baseline(name).house]
            names += [f"{name}{registry.OPTION_MARK}{registry.FROM_SCRATCH}" for name in methods]
        others = set(self.settings.baselines) - set(_EVERYTHING)
        return tuple(dict.fromkeys([*names, *sorted(others)]))

    def _entry_cells(self, entry: SuiteEntry) -> Iterator[PlannedCell]:
        task = registry.load_task(entry.task)
        variant = entry.variant or next(iter(task.variants))
        names = self._baselines(entry)
        for name in names:
            baseline = registry.load_baseline(name)
            if task.protocol == "pretrain":
                if baseline.needs_weights or baseline.outside:
                    reason = "it is evaluated with weights of others, not pre-trained here"
                    yield cell_outside(
                        task, variant, baseline, self.settings, "not_applicable", reason
                    )
                elif baseline.kind == "method":
                    for seed in self.settings.pretrain_seeds:
                        self.pretraining.of(baseline.trained_as, seed)
                continue
            reason = why_not_applicable(task, baseline)
            if reason and baseline.kind == "sentinel" and len(names) > 1:
                continue
            if reason:
                yield cell_outside(task, variant, baseline, self.settings, "not_applicable", reason)
                continue
            resolved = resolve(task.name, variant, name, self.settings)
            yield from self._evaluate_cells(resolved, variant, entry)

    def _evaluate_cells(
        self, resolved: Resolved, variant: str, entry: SuiteEntry
    ) -> Iterator[PlannedCell]:
        for origin, pretraining in self._origins(resolved.baseline):
            for percent, subset, head in self._axes(resolved, entry):
                try:
                    _check_weights(resolved.baseline, origin)
                    data = data_state(self.catalogue, resolved.task.dataset)
                    self.catalogue.rows(resolved.task.dataset, resolved.recipe)
                except MacoBenchError as error:
                    yield cell_outside(
                        resolved.task, variant, resolved.baseline, self.settings, "blocked",
                        str(error), Seeds(origin.seed, subset, head), percent, origin.weights,
                    )  # fmt: skip
                    continue
                cell = evaluate_cell(resolved, variant, data, origin, percent, subset, head)
                if pretraining is not None and not pretraining.cell.key:
                    cause = f"its pre-training is blocked: {pretraining.cause}"
                    yield PlannedCell(replace(cell, key="", depends_on=""), "blocked", cause)
                    continue
                planned = state_of(cell, self.settings, origin.data_id)
                planned = after_pretraining(planned, pretraining)
                yield replace(planned, data_key=data.key, pretraining_data=origin.data_id)

    def _axes(
        self, resolved: Resolved, entry: SuiteEntry
    ) -> Iterator[tuple[float | None, int | None, int | None]]:
        """Label percent, subset seed and head seed; none of them where nothing is trained."""
        offered = resolved.task.label_percents
        if not offered or resolved.baseline.kind == "sentinel":
            yield None, None, None
            return
        for percent in self.settings.labels or entry.label_percents or offered:
            if percent not in offered:
                raise unknown_name(
                    f"label percent of {resolved.task.name}", f"{percent:g}",
                    [f"{item:g}" for item in offered],
                )  # fmt: skip
            for subset in self.settings.subset_seeds:
                for head in self.settings.head_seeds:
                    yield percent, subset, head

    def _origins(self, baseline: BaselineSpec) -> Iterator[tuple[Origin, PlannedCell | None]]:
        """Where the weights come from, with the pre-training cell that makes them."""
        if baseline.kind == "sentinel":
            yield Origin("none"), None
        elif baseline.outside:
            checksum = registry.baseline_module(baseline.name).checksum()
            yield Origin(f"file:{checksum[:16]}", f"file:{checksum}"), None
        elif self.settings.weights is not None:
            require_file(self.settings.weights)
            checksum = file_checksum(self.settings.weights)
            yield Origin(f"file:{checksum[:16]}", f"file:{checksum}"), None
        elif baseline.needs_weights:
            yield Origin("file:"), None
        else:
            for seed in self.settings.pretrain_seeds:
                planned = self.pretraining.of(baseline.trained_as, seed)
                self.pretraining.check_snapshot(baseline)
                cell = planned.cell
                yield Origin("trained", cell.key, cell.data_id, seed), planned


def _check_weights(baseline: BaselineSpec, origin: Origin) -> None:
    if baseline.needs_weights and not origin.key:
        raise UsageError(
            f"`{baseline.name}` is not pre-trained here: its released weights are evaluated.",
            remedy=f"Name them with --weights FILE ({baseline.released}).",
        )
