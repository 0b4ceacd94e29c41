"""Which cell next: those whose weights are there, grouped by the model that they need."""

from __future__ import annotations

from dataclasses import replace

from benchmark.plan import Plan
from benchmark.specs import State
from benchmark.states import PlannedCell


class CellQueue:
    """The cells of a run and how they stand.

    Attributes:
        elsewhere: Cells that another run holds; they are waited for.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._state: dict[int, PlannedCell] = dict(enumerate(plan.cells))
        self._by_name = {_name(item): number for number, item in enumerate(plan.cells)}
        refresh = plan.settings.refresh
        runs = ("to_run", "failed", "stale") if refresh else ("to_run", "failed")
        self._ready = [item for item in plan.cells if item.state in runs and item.cell.key]
        self._waiting = [item for item in plan.cells if self._waits(item, refresh)]
        self.elsewhere = [item for item in plan.cells if item.state == "running"]
        self._running: list[PlannedCell] = []
        if refresh:
            self._hold_back()
        self._drop_hopeless()

    def _waits(self, item: PlannedCell, refresh: bool) -> bool:
        """Cells behind a stale pre-training wait for it when it is refreshed."""
        behind_stale = item.state == "blocked" and item.cell.depends_on and refresh
        return item.state == "waiting" or bool(behind_stale)

    def _hold_back(self) -> None:
        """With --refresh: cells whose pre-training runs again wait for it."""
        renewed = {item.cell.key for item in self._ready if item.cell.kind == "pretrain"}
        held = [item for item in self._ready if item.cell.depends_on in renewed]
        self._ready = [item for item in self._ready if item not in held]
        self._waiting += held

    def finished(self) -> bool:
        """Whether nothing is ready, running here or running elsewhere."""
        return not (self._ready or self._running or self.elsewhere)

    def take(self, last_model: tuple[str, str] = ("", "")) -> PlannedCell | None:
        """The next cell for a worker: of the model that it holds, else one nobody works on.

        Args:
            last_model: Baseline and weights of the worker's last cell.
        """
        if not self._ready:
            return None
        others = {item.cell.baseline for item in self._running}

        def rank(item: PlannedCell) -> tuple[bool, bool, bool]:
            cell = item.cell
            same_model = (cell.baseline, cell.depends_on) == last_model
            return (not same_model, cell.baseline in others, cell.kind != "pretrain")

        chosen = min(self._ready, key=rank)
        self._ready.remove(chosen)
        self._running.append(chosen)
        return chosen

    def settle(self, planned: PlannedCell, state: State, cause: str) -> None:
        """Note how a cell ended, and release or drop the cells that wait for it."""
        number = self._by_name[_name(planned)]
        self._state[number] = replace(planned, state=state, cause=cause)
        for group in (self._running, self.elsewhere):
            group[:] = [item for item in group if _name(item) != _name(planned)]
        if state == "to_run":
            self._ready.append(planned)
        elif state == "running":
            self.elsewhere.append(planned)
        elif state == "done":
            self._release(planned)
        elif planned.cell.kind == "pretrain":
            self._drop(planned, state)

    def _release(self, planned: PlannedCell) -> None:
        freed = [item for item in self._waiting if item.cell.depends_on == planned.cell.key]
        self._waiting = [item for item in self._waiting if item not in freed]
        self._ready += freed

    def _drop(self, planned: PlannedCell, state: State) -> None:
        """Cells behind a pre-training that failed or is blocked do not run this time."""
        dropped = [item for item in self._waiting if item.cell.depends_on == planned.cell.key]
        self._waiting = [item for item in self._waiting if item not in dropped]
        for item in dropped:
            left: State = "blocked" if state == "blocked" else "waiting"
            cause = f"its pre-training {planned.cell.name} {state}"
            self._state[self._by_name[_name(item)]] = replace(item, state=left, cause=cause)
            if item.cell.kind == "pretrain":
                self._drop(item, state)

    def _drop_hopeless(self) -> None:
        """Cells that wait for one that is not going to run stay as they are."""
        coming = {item.cell.key for item in [*self._ready, *self.elsewhere]}
        hopeful: list[PlannedCell] = []
        # A method's pre-training may itself wait for its start; plan order puts starts first.
        for item in sorted(self._waiting, key=lambda item: item.cell.kind != "pretrain"):
            if item.cell.depends_on in coming:
                hopeful.append(item)
                coming.add(item.cell.key)
        self._waiting = hopeful

    def plan(self) -> Plan:
        """The plan with the states as they stand now."""
        return replace(self._plan, cells=tuple(self._state.values()))


def _name(item: PlannedCell) -> tuple[str, str, str]:
    return (item.cell.name, item.cell.key, item.cell.data_id)
