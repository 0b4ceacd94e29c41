from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from benchmark.errors import BadDataError
from benchmark.training import checkpoint

if TYPE_CHECKING:
    from pathlib import Path


def test_round_trip_and_equal_bytes(tmp_path: Path) -> None:
    content = {"step": 3, "weights": torch.arange(4.0), "nested": {"names": ["a"], "none": None}}
    first, second = tmp_path / "a.pt", tmp_path / "b.pt"
    checkpoint.save_atomically(first, content)
    checkpoint.save_atomically(second, content)
    assert first.read_bytes() == second.read_bytes()
    loaded = checkpoint.load_last(first)
    assert loaded is not None
    assert loaded["step"] == 3
    assert torch.equal(loaded["weights"], content["weights"])


def test_nothing_there_is_none(tmp_path: Path) -> None:
    assert checkpoint.load_last(tmp_path / "absent.pt") is None


def test_a_failed_write_keeps_the_former_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.pt"
    checkpoint.save_atomically(path, {"step": 1})

    def breaks(content: object, stream: object) -> None:
        stream.write(b"half")  # type: ignore[attr-defined]
        raise OSError("disk full")

    monkeypatch.setattr(torch, "save", breaks)
    with pytest.raises(OSError, match="disk full"):
        checkpoint.save_atomically(path, {"step": 2})
    assert checkpoint.load_last(path) == {"step": 1}
    assert [item.name for item in tmp_path.iterdir()] == ["state.pt"]


def test_leftovers_of_a_kill_are_removed(tmp_path: Path) -> None:
    path = tmp_path / "state.pt"
    checkpoint.save_atomically(path, {"step": 1})
    (tmp_path / "state.pt.123.tmp").write_bytes(b"half")
    assert checkpoint.load_last(path) == {"step": 1}
    assert [item.name for item in tmp_path.iterdir()] == ["state.pt"]


def test_a_broken_file_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "state.pt"
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(BadDataError, match="Remove it"):
        checkpoint.load_last(path)
