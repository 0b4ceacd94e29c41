"""The pre-training cells of a plan: those whose weights other cells need, or that are named."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import replace

from benchmark.catalogue import Catalogue
from benchmark.cells import PRETRAINING, DataState, Resolved, pretrain_cell, resolve, start_of
from benchmark.errors import MacoBenchError, UsageError
from benchmark.fingerprint import key_of
from benchmark.recipes import PretrainRecipe
from benchmark.settings import Settings
from benchmark.specs import BaselineSpec, Cell, Seeds, Suite
from benchmark.states import PlannedCell, after_pretraining, cell_outside, state_of


def data_state(catalogue: Catalogue, dataset: str) -> DataState:
    """Id and content key of a data set.

    Raises:
        MacoBenchError: It is absent or broken.
    """
    return DataState(catalogue.data_id(dataset), catalogue.key(dataset))


class PretrainingCells:
    """Makes a pre-training cell when its weights are first asked for, and remembers it."""

    def __init__(self, suite: Suite, settings: Settings, catalogue: Catalogue) -> None:
        self._suite = suite
        self._settings = settings
        self._catalogue = catalogue
        self._planned: dict[tuple[str, int], PlannedCell] = {}

    def of(self, baseline: str, seed: int) -> PlannedCell:
        """The cell that makes the weights of a method, after the one that it starts from."""
        if (baseline, seed) not in self._planned:
            resolved = resolve(PRETRAINING, self._suite.pretraining, baseline, self._settings)
            start = start_of(resolved)
            before = self.of(start, seed) if start else None
            self._planned[baseline, seed] = self._plan(resolved, seed, before)
        return self._planned[baseline, seed]

    def check_snapshot(self, baseline: BaselineSpec) -> None:
        """Whether the pre-training keeps the weights that a name with `+at=PERCENT` asks for.

        Raises:
            UsageError: It does not.
        """
        if baseline.at_percent == 100:
            return
        variant = self._suite.pretraining
        recipe = resolve(PRETRAINING, variant, baseline.trained_as, self._settings).recipe
        assert isinstance(recipe, PretrainRecipe)
        if baseline.at_percent not in recipe.snapshots:
            kept = ", ".join(f"{percent}" for percent in recipe.snapshots) or "none"
            raise UsageError(
                f"`{baseline.name}`: its pre-training keeps no weights at "
                f"{baseline.at_percent} % of the budget (kept: {kept}).",
                remedy=f"Use --recipe 'pretrain.snapshots=[{baseline.at_percent}]'.",
            )

    def behind(self, selected: Sequence[PlannedCell]) -> list[PlannedCell]:
        """What runs before the selected cells, and what somebody names; starts come first."""
        needed = self._needed_keys(selected)
        first = [
            item
            for item in self._planned.values()
            if (item.cell.key and item.cell.key in needed) or self._asked_for(item.cell)
        ]
        return first + self._blocked(selected, first)

    def _plan(self, resolved: Resolved, seed: int, start: PlannedCell | None) -> PlannedCell:
        variant = self._suite.pretraining
        try:
            data = self._corpus(resolved)
        except MacoBenchError as error:
            return cell_outside(
                resolved.task, variant, resolved.baseline, self._settings, "blocked",
                str(error), Seeds(pretrain=seed), None, "initial",
            )  # fmt: skip
        cell = pretrain_cell(resolved, variant, data, seed, start.cell.key if start else "")
        planned = replace(state_of(cell, self._settings, ""), data_key=data.key)
        return after_pretraining(planned, start)

    def _corpus(self, resolved: Resolved) -> DataState:
        assert isinstance(resolved.recipe, PretrainRecipe)
        excluded = self._catalogue.exclusions(resolved.recipe).patients
        data = data_state(self._catalogue, self._settings.corpus)
        return replace(data, extra={"excluded_patients": key_of(sorted(excluded))})

    def _needed_keys(self, selected: Sequence[PlannedCell]) -> set[str]:
        """Keys of the pre-training cells behind the selected ones, and of those behind them."""
        needed = {item.cell.depends_on for item in selected if item.state != "not_applicable"}
        # A start stands before the methods that begin with it: later ones are looked at first.
        for item in reversed(self._planned.values()):
            if self._asked_for(item.cell) or item.cell.key in needed:
                needed.add(item.cell.depends_on)
        return needed

    def _asked_for(self, cell: Cell) -> bool:
        """Pre-training cells run for others, or when somebody names them."""
        if self._settings.only:
            return fnmatch.fnmatchcase(cell.name, self._settings.only)
        return PRETRAINING in {name.partition("@")[0] for name in self._settings.tasks}

    def _blocked(
        self, selected: Sequence[PlannedCell], first: Sequence[PlannedCell]
    ) -> list[PlannedCell]:
        """Blocked cells have no key to depend on; show the cause once, at its root."""
        methods = {item.cell.baseline for item in selected if item.state == "blocked"}
        return [
            item
            for (baseline, _), item in self._planned.items()
            if item.state == "blocked" and baseline in methods and item not in first
        ]
