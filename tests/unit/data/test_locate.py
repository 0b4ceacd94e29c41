from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmark.data.locate import find_root
from benchmark.data.manifest import SourceSpec
from benchmark.errors import MissingDataError

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = SourceSpec("toy", "Toy set", "CC0.", True, "Get it there.", ("toy/2.0", "toy"), "toy")


def test_named_folder_wins_over_the_data_root(tmp_path: Path) -> None:
    (tmp_path / "toy").mkdir()
    (tmp_path / "mine").mkdir()
    assert find_root(SOURCE, {}, tmp_path) == tmp_path / "toy"
    assert find_root(SOURCE, {"toy": tmp_path / "mine"}, tmp_path) == tmp_path / "mine"
    (tmp_path / "toy" / "2.0").mkdir()
    assert find_root(SOURCE, {}, str(tmp_path)) == tmp_path / "toy" / "2.0"


def test_the_error_says_all(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError) as caught:
        find_root(SOURCE, {}, tmp_path)
    for part in ("Toy set", str(tmp_path / "toy"), "Get it there.", "CC0.", "--data-root"):
        assert part in str(caught.value)
    with pytest.raises(MissingDataError, match="elsewhere"):
        find_root(SOURCE, {"toy": tmp_path / "elsewhere"}, tmp_path)
