"""Options and fixtures that every test folder shares."""

from __future__ import annotations

import os
import sys
import zlib
from pathlib import Path

import pytest
from hypothesis import settings

CHECKOUT = Path(__file__).resolve().parent.parent
LONG_FOLDERS = ("end_to_end", "docs", "browser", "real_data", "conformance")

# Two test processes share two cores: with more threads each they would wait for each other in
# spinning loops, at several times the cost. Numeric libraries read this when they are imported.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
THREADS = int(os.environ["OMP_NUM_THREADS"])

# Tests change their folder, so a folder that is named from here is made absolute first.
for _name in ("MACO_BENCH_REAL_DATA", "MACO_BENCH_GOLDEN"):
    if os.environ.get(_name):
        os.environ[_name] = str(Path(os.environ[_name]).resolve())

# A busy machine is no fault of the code: how long an example takes is not a test here.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--third", type=int, choices=(0, 1, 2), help="run only this third of the tests"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=_turn)
    third = config.getoption("--third")
    if third is None:
        return
    kept = [item for item in items if zlib.crc32(item.nodeid.encode()) % 3 == third]
    dropped = [item for item in items if zlib.crc32(item.nodeid.encode()) % 3 != third]
    config.hook.pytest_deselected(items=dropped)
    items[:] = kept


def _turn(item: pytest.Item) -> int:
    """Files that take a minute come first, so that no worker begins one when the rest is done."""
    folder = item.path.relative_to(CHECKOUT / "tests").parts[0]
    return LONG_FOLDERS.index(folder) if folder in LONG_FOLDERS else len(LONG_FOLDERS)


def pytest_runtest_setup() -> None:
    """Cells that a test ran in this process may have asked for more threads."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.get_num_threads() != THREADS:
        torch.set_num_threads(THREADS)


@pytest.fixture(scope="session")
def checkout() -> Path:
    """Root of the checkout."""
    return CHECKOUT


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real radiographs, from `MACO_BENCH_REAL_DATA`."""
    value = os.environ.get("MACO_BENCH_REAL_DATA")
    if not value:
        pytest.skip("MACO_BENCH_REAL_DATA is not set: no real radiographs to read")
    return Path(value)
