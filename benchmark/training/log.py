"""The training log: losses, rate and gradient norm of every step, as TensorBoard event files.

An option, off by default, for those who watch. It is nothing of the result: it lies beside the
cells (`<results>/logs/<folder of the cell>/<stage>/`), enters no key and changes no record.

The runner says where a cell logs (`logging_to`), the training loop writes (`run_log`); no protocol
knows of it. A resumed run goes on from the step of its checkpoint: what an interrupted piece wrote
beyond that step is hidden by the event that starts the next piece.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from benchmark import packages
from benchmark.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from benchmark.training.history import History

FOLDER = "logs"
"""Name of the folder of all logs, below that of the results."""

_EXTRA = "log"
_FLUSH_SECONDS = 10
_place: ContextVar[Path | None] = ContextVar("place of the training log", default=None)


def require_package(kind: str) -> None:
    """Refuse a log whose package is not installed, before anything is trained.

    Args:
        kind: `Settings.log`.

    Raises:
        UsageError: Says what to install.
    """
    if kind == "tensorboard":
        packages.require("tensorboard", _EXTRA, "`--log tensorboard`")


@contextlib.contextmanager
def logging_to(kind: str, folder: Path) -> Iterator[None]:
    """Log every training inside, each in a folder of its own.

    Args:
        kind: `Settings.log`; `none` logs nothing.
        folder: Of the cell's logs.

    Raises:
        UsageError: The log's package is not installed.
    """
    require_package(kind)
    token = _place.set(None if kind == "none" else folder)
    try:
        yield
    finally:
        _place.reset(token)


class RunLog:
    """The log of one training; without a writer it does nothing."""

    def __init__(self, writer: Any = None) -> None:
        self._writer = writer

    def add(self, history: History, step: int) -> None:
        """Write what the history holds of a step, counted from 1."""
        if self._writer is not None:
            for tag, value in history.scalars(step - 1).items():
                self._writer.add_scalar(tag, value, step)

    def flush(self) -> None:
        """Bring everything to the disk: no checkpoint may be ahead of its log."""
        if self._writer is not None:
            self._writer.flush()


@contextlib.contextmanager
def run_log(stage: str, rate: object, history: History, step: int) -> Iterator[RunLog]:
    """Open the log of a training, where the runner asked for one.

    Args:
        stage: Names the training within the cell.
        rate: Its schedule; where it has a `peak`, that is part of the name, so that the
            trainings of a search stand apart.
        history: Of the steps that are done already; a log that begins late is given them.
        step: How many those are.
    """
    place = _place.get()
    if place is None:
        yield RunLog()
        return
    folder = place / _folder_name(stage, getattr(rate, "peak", None))
    begins = not any(folder.glob("events.*"))
    writer = _open_writer(folder, first_step=1 if begins else step + 1)
    log = RunLog(writer)
    try:
        for done in range(1, step + 1) if begins else ():
            log.add(history, done)
        yield log
    finally:
        writer.close()


def _folder_name(stage: str, peak: float | None) -> str:
    suffix = "" if peak is None else f" at rate {peak:g}"
    return re.sub(r"[^A-Za-z0-9.-]+", "-", stage.removesuffix(suffix) + suffix)


def _open_writer(folder: Path, first_step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise UsageError(
            f"`--log tensorboard` cannot import the package `tensorboard`: {error}.",
            remedy=packages.how_to_install(_EXTRA),
        ) from error
    return SummaryWriter(  # type: ignore[no-untyped-call]
        str(folder), purge_step=first_step, flush_secs=_FLUSH_SECONDS
    )
