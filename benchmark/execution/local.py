"""Runs a plan's cells in long-lived worker processes of this machine."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import signal
import time
from dataclasses import dataclass, replace
from multiprocessing import connection
from typing import Any

from benchmark import registry
from benchmark.execution import worker
from benchmark.execution.lease import acquire, holder_of
from benchmark.execution.messages import Advance, Finished, RunCell, Stop
from benchmark.execution.queue import CellQueue
from benchmark.plan import Plan
from benchmark.progress import Display
from benchmark.records import read_or_quarantine
from benchmark.runner import write_failure
from benchmark.states import PlannedCell, read_failure

log = logging.getLogger(__name__)
_POLL_SECONDS = 1.0
_GRACE_SECONDS = 10.0


@dataclass
class _Worker:
    process: Any
    pipe: Any
    running: PlannedCell | None = None
    last_model: tuple[str, str] = ("", "")


def run_plan(plan: Plan, display: Display) -> Plan:
    """Run every cell that can run, and wait for those that another run holds.

    No worker is started when nothing is to be done. Workers live until the end and take cells
    of the model that they hold first. A worker that dies is replaced, and its cell is marked
    failed with the signal.

    Args:
        plan: As made by `make_plan`.
        display: Shows how far each cell is.

    Returns:
        The plan with the states after the run.
    """
    queue = CellQueue(plan)
    pool = _Pool(plan, display)
    try:
        while not queue.finished():
            pool.hand_out(queue)
            if not pool.busy() and queue.elsewhere:
                time.sleep(_POLL_SECONDS)
            pool.listen(queue)
            _look_elsewhere(plan, queue)
    finally:
        pool.close()
    return queue.plan()


class _Pool:
    def __init__(self, plan: Plan, display: Display) -> None:
        self._plan = plan
        self._display = display
        profile = registry.load_profile(plan.settings.profile)
        self._threads = profile.threads
        self._jobs = plan.settings.jobs or profile.jobs
        self._workers: list[_Worker] = []

    def busy(self) -> bool:
        return any(item.running for item in self._workers)

    def hand_out(self, queue: CellQueue) -> None:
        """Give ready cells to idle workers; start workers while cells are left."""
        for item in self._workers:
            if item.running is None and (planned := queue.take(item.last_model)):
                self._give(item, planned)
        while len(self._workers) < self._jobs and (planned := queue.take()):
            item = self._start()
            self._workers.append(item)
            self._give(item, planned)

    def _start(self) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        roots = [root for root in registry.search_roots() if root != registry.CHECKOUT]
        process = context.Process(
            target=worker.serve,
            args=(theirs, self._plan.settings, roots, self._threads),
            name="maco-bench-worker",
            daemon=False,
        )
        process.start()
        theirs.close()
        return _Worker(process, ours)

    def _give(self, item: _Worker, planned: PlannedCell) -> None:
        item.running = planned
        item.last_model = (planned.cell.baseline, planned.cell.depends_on)
        self._display.started(planned.cell)
        with contextlib.suppress(BrokenPipeError):  # A dead worker is noticed by `listen`.
            item.pipe.send(RunCell(planned))

    def listen(self, queue: CellQueue) -> None:
        """Hear what the workers say for at most a second; replace the dead."""
        if not self._workers:
            return
        channels = [item.pipe for item in self._workers]
        channels += [item.process.sentinel for item in self._workers]
        ready = set(connection.wait(channels, timeout=_POLL_SECONDS if self.busy() else 0))
        for item in list(self._workers):
            if item.pipe in ready or item.process.sentinel in ready:
                self._hear(item, queue)

    def _hear(self, item: _Worker, queue: CellQueue) -> None:
        try:
            while item.pipe.poll():
                self._handle(item, item.pipe.recv(), queue)
        except (EOFError, ConnectionResetError, OSError):
            self._bury(item, queue)
            return
        if item.process.exitcode is not None:
            self._bury(item, queue)

    def _handle(self, item: _Worker, message: Any, queue: CellQueue) -> None:
        if item.running is None:
            return
        if isinstance(message, Advance):
            self._display.advanced(item.running.cell, message)
        elif isinstance(message, Finished):
            planned, item.running = item.running, None
            self._display.finished(planned.cell, message)
            queue.settle(planned, message.state, message.cause)

    def _bury(self, item: _Worker, queue: CellQueue) -> None:
        """A worker died: store why, and let the next `hand_out` start another."""
        item.process.join(_GRACE_SECONDS)
        self._workers.remove(item)
        item.pipe.close()
        if item.running is None:
            return
        planned, cause = item.running, _cause_of_death(item.process.exitcode)
        folder = self._plan.settings.results / planned.cell.folder
        if read_or_quarantine(folder) is not None:
            # It died between the commit of its record and telling so.
            self._display.finished(planned.cell, Finished(planned.cell.key, "done"))
            queue.settle(planned, "done", "")
            return
        if lease := acquire(folder):
            with lease:
                write_failure(folder, planned.cell, self._plan.settings.corpus, cause, "")
        self._display.finished(planned.cell, Finished(planned.cell.key, "failed", cause))
        queue.settle(planned, "failed", cause)

    def close(self) -> None:
        """Stop idle workers by a message, busy ones (after Ctrl-C or an error) by SIGTERM."""
        for item in self._workers:
            if item.running is None:
                with contextlib.suppress(OSError):
                    item.pipe.send(Stop())
            else:
                item.process.terminate()
        for item in self._workers:
            item.process.join(_GRACE_SECONDS)
            if item.process.is_alive():
                item.process.kill()
                item.process.join()
            item.pipe.close()
        self._workers.clear()


def _cause_of_death(exit_code: int | None) -> str:
    if exit_code is None:
        return "the worker stopped answering"
    if exit_code < 0:
        name = signal.Signals(-exit_code).name
        hint = " (often: out of memory)" if name == "SIGKILL" else ""
        return f"the worker was ended by {name}{hint}"
    return f"the worker ended with exit code {exit_code}"


def _look_elsewhere(plan: Plan, queue: CellQueue) -> None:
    """Settle cells that another run holds: done, failed there, or free again."""
    for planned in list(queue.elsewhere):
        folder = plan.settings.results / planned.cell.folder
        if read_or_quarantine(folder) is not None:
            queue.settle(planned, "done", "by another run")
        elif holder_of(folder) is None:
            failure = read_failure(folder)
            if failure:
                queue.settle(planned, "failed", f"in another run: {failure['cause']}")
            else:
                queue.settle(replace(planned, state="to_run"), "to_run", "")
