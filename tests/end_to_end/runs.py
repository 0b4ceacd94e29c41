"""Helpers that start whole runs as users do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmark.records import all_records, comparable

CHECKOUT = Path(__file__).resolve().parent.parent.parent
SMALL = (
    "--profile", "toy",
    "--recipe", "pretrain.epochs=2",
)  # fmt: skip
CALL = "import sys; from benchmark.cli import main; sys.exit(main(sys.argv[1:]))"
"""Python code that calls `maco-bench` with the arguments after it."""


def command(*arguments: str) -> list[str]:
    return [sys.executable, str(CHECKOUT / "run_all.py"), *arguments]


def run_all(*arguments: str, code: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run `run_all.py` to its end; `code` is run in the same interpreter before it."""
    call = command(*arguments)
    if code is not None:
        call = [sys.executable, "-c", f"{code}\n{CALL}", "run-all", *arguments]
    return subprocess.run(call, cwd=CHECKOUT, capture_output=True, text=True, env=environment())


def environment() -> dict[str, str]:
    """One thread; and memory that is kept, since a convolution's would be given back and taken anew
    each time, which costs as much as the arithmetic (glibc; nothing elsewhere)."""
    kept = {"MALLOC_MMAP_THRESHOLD_": str(2**30), "MALLOC_TRIM_THRESHOLD_": str(2**30)}
    return {**os.environ, **kept, "OMP_NUM_THREADS": "1", "COLUMNS": "120"}


def stored(results: Path) -> dict[str, dict[str, object]]:
    """All records below a folder without what depends on the machine and the hour."""
    return {record.cell.name: comparable(record) for _, record in all_records(results)}
