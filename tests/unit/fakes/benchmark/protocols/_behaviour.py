"""What a fake cell does besides its work, as flags beside the data ask for."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from benchmark.errors import MissingDataError, NotApplicable


def behave(root: Path, cell_name: str) -> None:
    """Log the cell, then do what a flag file `flags/ACTION` names for a matching cell.

    A flag's text is a part of cell names; `once` flags are removed when they strike.
    """
    flags = root.parent / "flags"
    flags.mkdir(exist_ok=True)
    with (flags / "log.txt").open("a") as stream:
        stream.write(f"{cell_name} {os.getpid()}\n")
    for action in ("raise", "not_applicable", "kill_once", "missing", "sleep", "interrupt_once"):
        flag = flags / action
        if not flag.exists() or flag.read_text().strip() not in cell_name:
            continue
        if action == "raise":
            raise ValueError("the fake fails")
        if action == "not_applicable":
            raise NotApplicable("The fake does not apply.")
        if action == "missing":
            raise MissingDataError("The fake data went away.")
        if action == "sleep":
            time.sleep(float((flags / "seconds").read_text()))
            continue
        flag.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
