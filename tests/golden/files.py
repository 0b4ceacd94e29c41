"""Finds the golden values: a test for each file, whatever its seed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

FOLDER = os.environ.get("MACO_BENCH_GOLDEN")


def golden_files(pattern: str) -> list[Any]:
    """One parameter a file; a skip with its reason only where the variable is unset."""
    if FOLDER is None:
        reason = "MACO_BENCH_GOLDEN names no folder of golden values"
        return [pytest.param(None, marks=pytest.mark.skip(reason=reason))]
    found = sorted(Path(FOLDER).glob(pattern))
    assert found, f"{FOLDER} holds no {pattern}"
    return [pytest.param(path, id=path.stem) for path in found]
