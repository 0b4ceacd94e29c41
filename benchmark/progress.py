"""How far the cells are: bars on a terminal, one line a step elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from benchmark.specs import Cell

if TYPE_CHECKING:
    from benchmark.execution.messages import Advance, Finished

_LINE_INTERVAL_SECONDS = 5.0
_WARM_UP_SECONDS = 0.5


class Display:
    """Shows cells and their stages on standard error. Use as a context manager.

    Args:
        total: Cells that are going to run.
        quiet: Show nothing (`--json`).
        stream: Where lines go; standard error by default.
    """

    def __init__(self, total: int, quiet: bool = False, stream: Any = None) -> None:
        self._stream = stream or sys.stderr
        self._quiet = quiet
        self._total = total
        self._done = 0
        self._begun: dict[str, float] = {}
        self._stage_begun: dict[tuple[str, str], tuple[float, int]] = {}
        self._last_line: dict[str, tuple[str, float]] = {}
        self._bars: Any = None
        self._bar_of: dict[str, Any] = {}
        if not quiet and self._stream.isatty():
            self._bars = _rich_bars()

    def __enter__(self) -> Display:
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def started(self, cell: Cell) -> None:
        """A worker takes a cell."""
        self._begun[cell.name] = time.monotonic()
        if self._bars is not None:
            self._bar_of[cell.name] = self._bars.add_task(cell.name, total=None, rate="")
        else:
            self._line(f"start {cell.name}")

    def advanced(self, cell: Cell, message: Advance) -> None:
        """A stage of a cell went on."""
        self.stage(cell.name, message.stage, message.done, message.total, message.note)

    def stage(self, name: str, stage: str, done: int, total: int, note: str = "") -> None:
        """A stage of any named work went on."""
        now = time.monotonic()
        begun, first = self._stage_begun.setdefault((name, stage), (now, done))
        if done < first:  # The stage began anew.
            begun, first = self._stage_begun[name, stage] = (now, done)
        per_second = (done - first) / (now - begun) if now - begun > _WARM_UP_SECONDS else 0.0
        rate = f"{per_second:.1f}/s" if per_second else ""
        if self._bars is not None:
            if name not in self._bar_of:
                self._bar_of[name] = self._bars.add_task(name, total=None, rate="")
            self._bars.update(
                self._bar_of[name],
                description=f"{name} · {stage}",
                completed=done,
                total=total or None,
                rate=" ".join(part for part in (rate, note) if part),
            )
            return
        last_stage, last_time = self._last_line.get(name, ("", 0.0))
        if stage == last_stage and (now - last_time < _LINE_INTERVAL_SECONDS):
            return
        self._last_line[name] = (stage, now)
        left = f"{(total - done) / per_second:.0f} s left" if per_second else ""
        parts = [f"{name}: {stage} {done}/{total}", rate, left, note]
        self._line(", ".join(part for part in parts if part))

    def finished(self, cell: Cell, message: Finished) -> None:
        """A cell ended."""
        self._done += message.state in ("done", "failed", "blocked")
        seconds = time.monotonic() - self._begun.get(cell.name, time.monotonic())
        cause = f": {message.cause}" if message.cause else ""
        if self._bars is not None and cell.name in self._bar_of:
            self._bars.remove_task(self._bar_of.pop(cell.name))
        text = f"[{self._done}/{self._total}] {message.state} {cell.name} ({seconds:.1f} s){cause}"
        self._line(text)

    def callable(self, name: str) -> Callable[..., None]:
        """A `benchmark.interfaces.Progress` for work outside cells (phantom, store)."""

        def progress(stage: str, done: int, total: int, note: str = "") -> None:
            self.stage(name, stage, done, total, note)

        return progress

    def _line(self, text: str) -> None:
        if self._quiet:
            return
        if self._bars is not None:
            self._bars.console.print(text, markup=False, highlight=False)
        else:
            self._stream.write(text + "\n")
            self._stream.flush()


def _rich_bars() -> Any:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}", markup=False),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
