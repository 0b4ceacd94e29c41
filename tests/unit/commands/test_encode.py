"""Which weights `encode` takes, and what its file says of them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmark.cli import main
from benchmark.commands.encode import newest_weights, read_texts
from benchmark.errors import MissingDataError, UsageError
from benchmark.execution.local import run_plan
from benchmark.plan import make_plan
from benchmark.progress import Display
from benchmark.settings import Settings

OWN_ENCODER = Path(__file__).parents[3] / "docs" / "templates" / "own_encoder.py"


@pytest.fixture
def trained(fake_settings: Callable[..., Settings]) -> tuple[Settings, Path]:
    """Settings of the profile `fake`, and the folder of its pre-training."""
    settings = fake_settings(tasks=("pretraining",), baselines=("fake_method",))
    plan = run_plan(make_plan(settings), Display(0, quiet=True))
    folder = settings.results / plan.cells[0].cell.folder
    (folder / "weights.pt").touch()
    return settings, folder


def elsewhere(folder: Path, change: Callable[[dict[str, dict[str, object]]], None]) -> Path:
    """A copy of a cell with another record and newer weights."""
    copy = folder.with_name(f"{folder.name}-copy")
    shutil.copytree(folder, copy)
    record = json.loads((copy / "record.json").read_text())
    change(record)
    (copy / "record.json").write_text(json.dumps(record))
    later = (folder / "weights.pt").stat().st_mtime + 60
    os.utime(copy / "weights.pt", (later, later))
    return copy / "weights.pt"


def test_newer_weights_of_another_profile_are_left_aside(trained: tuple[Settings, Path]) -> None:
    settings, folder = trained
    newer = elsewhere(folder, lambda record: record["cell"].update(profile="toy"))
    assert newest_weights("fake_method", settings) == folder / "weights.pt"
    assert newest_weights("fake_method", replace(settings, profile="toy")) == newer
    with pytest.raises(MissingDataError, match=r"profile demo.*--profile fake .* or --profile toy"):
        newest_weights("fake_method", replace(settings, profile="demo"))


def test_a_corpus_chooses_and_without_one_the_newest_counts(
    trained: tuple[Settings, Path],
) -> None:
    settings, folder = trained
    newer = elsewhere(folder, lambda record: record["data"].update(dataset="csv_pairs"))
    assert newest_weights("fake_method", replace(settings, corpus="")) == newer
    assert newest_weights("fake_method", settings) == folder / "weights.pt"
    assert newest_weights("fake_method", replace(settings, corpus="csv_pairs")) == newer
    with pytest.raises(UsageError, match="csv_pairs"):
        newest_weights("fake_method", replace(settings, corpus="csv_pair"))


def test_without_any_the_remedies_are_named(fake_settings: Callable[..., Settings]) -> None:
    with pytest.raises(MissingDataError, match=r"run_all\.py.*--weights"):
        newest_weights("fake_method", fake_settings())


def test_blank_lines_are_no_texts(tmp_path: Path) -> None:
    path = tmp_path / "texts.txt"
    path.write_text("one\n\n  \ntwo\n")
    assert read_texts(path) == ["one", "two"]
    path.write_text("\n")
    with pytest.raises(MissingDataError, match="holds none"):
        read_texts(path)
    with pytest.raises(MissingDataError, match="does not exist"):
        read_texts(tmp_path / "absent.txt")


def test_the_file_and_the_output_name_the_weights(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "texts.txt").write_text("one\n\ntwo\n")
    name, out = f"{OWN_ENCODER}:build", tmp_path / "features.npz"
    command = ["encode", "--baseline", name, "--texts", str(tmp_path / "texts.txt")]
    assert main([*command, "--out", str(out), "--device", "cpu"]) == 0
    said = capsys.readouterr().out
    with np.load(out) as stored:
        assert str(stored["weights"]) == name
        checksum = str(stored["checksum"])
        assert stored["texts"].tolist() == ["one", "two"]
        assert len(stored["text_embeddings"]) == 2
    assert len(checksum) == 64
    assert f"weights: {name} (checksum {checksum[:8]})" in said
