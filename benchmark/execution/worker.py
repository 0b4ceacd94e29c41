"""A long-lived worker process: takes cells from a pipe, one at a time, until told to stop."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmark.execution.lease import acquire
from benchmark.execution.messages import Advance, Finished, RunCell, Stop
from benchmark.settings import Settings
from benchmark.specs import State
from benchmark.states import PlannedCell

_PARENT_CHECK_SECONDS = 1.0
_MESSAGE_INTERVAL_SECONDS = 0.2


def serve(pipe: Connection, settings: Settings, search_roots: Sequence[Path], threads: int) -> None:
    """Main function of a worker process.

    Args:
        pipe: To the main process.
        settings: Of the run.
        search_roots: Extra folders of the registry.
        threads: For numeric libraries; set before the first of them is imported.
    """
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)
    # The main process handles Ctrl-C and then ends its workers by SIGTERM.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_die_with_parent, args=(os.getppid(),), daemon=True).start()
    from benchmark import registry
    from benchmark.workshop import Workshop

    for root in reversed(search_roots):
        registry.add_search_root(root)
    workshop = Workshop(settings)
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            message = pipe.recv()
            if isinstance(message, Stop):
                break
            assert isinstance(message, RunCell)
            pipe.send(run_leased(message.planned, workshop, pipe.send))


def _leave(*_: object) -> None:
    """Turn SIGTERM into an exception, so that leases are given back on the way out."""
    raise SystemExit(128 + signal.SIGTERM)


def _die_with_parent(parent: int) -> None:
    """End when the main process is gone: nobody would hear of the result."""
    while os.getppid() == parent:
        time.sleep(_PARENT_CHECK_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def run_leased(planned: PlannedCell, workshop: Any, send: Callable[[Any], None]) -> Finished:
    """Claim a cell, run it unless it was finished meanwhile, and say how it ended."""
    from benchmark.records import read_or_quarantine
    from benchmark.runner import attempt_cell

    started = time.perf_counter()
    cell = planned.cell
    folder = workshop.settings.results / cell.folder
    lease = acquire(folder)
    if lease is None:
        return Finished(cell.key, "running", "by another run")
    with lease:
        _sweep(folder)
        if read_or_quarantine(folder) is not None:
            state: State = "done"
            cause = "by another run"
        else:
            state, cause = attempt_cell(planned, workshop, _reporter(cell.key, send))
    return Finished(cell.key, state, cause, time.perf_counter() - started)


def _sweep(folder: Path) -> None:
    """Remove what a killed process left half written."""
    for path in folder.glob(".*.tmp"):
        if not path.name.startswith(".lease"):
            path.unlink(missing_ok=True)


def _reporter(key: str, send: Callable[[Any], None]) -> Callable[..., None]:
    """A progress callable that sends at most a few messages a second."""
    last_stage, last_time = "", 0.0

    def progress(stage: str, done: int, total: int, note: str = "") -> None:
        nonlocal last_stage, last_time
        now = time.monotonic()
        due = now - last_time >= _MESSAGE_INTERVAL_SECONDS
        if due or stage != last_stage or done >= total:
            last_stage, last_time = stage, now
            try:
                send(Advance(key, stage, done, total, note))
            except OSError as error:
                # The main process is gone; that is no failure of the cell.
                raise SystemExit(1) from error

    return progress
