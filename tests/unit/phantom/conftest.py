from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmark.phantom.draw import draw_phantom
from benchmark.specs import PhantomSize

if TYPE_CHECKING:
    from pathlib import Path

SMALL = PhantomSize(cases=120, size=64, seed=5)


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small phantom, drawn in this process."""
    folder = tmp_path_factory.mktemp("phantoms") / "small"
    draw_phantom(folder, SMALL, workers=1)
    return folder
