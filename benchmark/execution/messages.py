"""What the main process and its workers say to each other over a pipe."""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.specs import State
from benchmark.states import PlannedCell


@dataclass(frozen=True)
class RunCell:
    """To a worker: run this cell."""

    planned: PlannedCell


@dataclass(frozen=True)
class Stop:
    """To a worker: no more work."""


@dataclass(frozen=True)
class Advance:
    """From a worker: `done` of `total` units of a stage of the running cell are finished."""

    key: str
    stage: str
    done: int
    total: int
    note: str = ""


@dataclass(frozen=True)
class Finished:
    """From a worker: how a cell ended. `running` means that another run holds it."""

    key: str
    state: State
    cause: str = ""
    wall_seconds: float = 0.0
