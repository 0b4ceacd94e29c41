"""Options and fixtures that every test folder shares."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import pytest
from hypothesis import settings

CHECKOUT = Path(__file__).resolve().parent.parent


# A busy machine is no fault of the code: how long an example takes is not a test here.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--third", type=int, choices=(0, 1, 2), help="run only this third of the tests"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    third = config.getoption("--third")
    if third is None:
        return
    kept = [item for item in items if zlib.crc32(item.nodeid.encode()) % 3 == third]
    dropped = [item for item in items if zlib.crc32(item.nodeid.encode()) % 3 != third]
    config.hook.pytest_deselected(items=dropped)
    items[:] = kept


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Two test processes share two cores: more threads each would only fight."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")


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
