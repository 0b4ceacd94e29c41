"""The fake checkout and its data, for tests of the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmark import fingerprint, registry
from benchmark.data.task_data import forget_manifests
from benchmark.settings import Settings

FAKES = Path(__file__).parent / "fakes"


@pytest.fixture
def fake_checkout() -> Iterator[Path]:
    """Fake tasks, baselines and sources stand before the real ones."""
    registry.add_search_root(FAKES)
    yield FAKES
    registry.remove_search_root(FAKES)


def make_data(root: Path) -> None:
    """Twenty patients with one file each; every second has the finding."""
    images = root / "fake-data" / "images"
    images.mkdir(parents=True)
    lines = ["image,patient,finding"]
    for number in range(20):
        (images / f"i{number}.png").write_bytes(b"x" * (number + 1))
        lines.append(f"i{number}.png,{number},{number % 2}")
    (root / "fake-data" / "labels.csv").write_text("\n".join(lines) + "\n")
    (root / "flags").mkdir()


def set_flag(root: Path, action: str, cell_part: str) -> None:
    """Ask the fake protocols for something, see `_behaviour.py`."""
    (root / "flags" / action).write_text(cell_part)


def executed(root: Path) -> list[str]:
    """Names of the cells that ran, in order."""
    log = root / "flags" / "log.txt"
    return [line.split()[0] for line in log.read_text().splitlines()] if log.exists() else []


@pytest.fixture
def fake_settings(fake_checkout: Path, tmp_path: Path) -> Callable[..., Settings]:
    """Makes settings over fake data in a temporary folder."""
    make_data(tmp_path / "data")

    def make(**changes: Any) -> Settings:
        forget_manifests()
        fingerprint.forget_data_keys()
        values: dict[str, Any] = {
            "suite": "fake",
            "profile": "fake",
            "data_root": tmp_path / "data",
            "results": tmp_path / "results",
            "cache_dir": tmp_path / "cache",
            "corpus": "fake_source",
            "device": "cpu",
        }
        return Settings(**{**values, **changes})

    return make
