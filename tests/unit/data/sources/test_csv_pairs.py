from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.data.sources import csv_pairs
from benchmark.errors import BadDataError, MissingDataError, UsageError

Write = Callable[[Path, str], Path]
TABLE = """Path, Report ,patient_id,view,split
a/1.png,"Clear,\nno effusion.",7,PA,train
a/2.png,Haze.,,LATERAL,val
a/1.png,twice,7,PA,train
"""


@pytest.fixture
def root(tmp_path: Path, write_picture: Callable[..., Path], write_text: Write) -> Path:
    for name in ("1", "2"):
        write_picture(tmp_path / "a" / f"{name}.png")
    write_text(tmp_path / "pairs.csv", TABLE)
    return tmp_path


def test_columns_are_guessed_or_named(root: Path) -> None:
    with pytest.raises(UsageError, match="text_column"):
        csv_pairs.read(root)
    manifest = csv_pairs.read(root, text_column="Report", namespace="ward")
    assert manifest.images["path"].tolist() == ["a/1.png", "a/2.png"]
    assert manifest.images["patient"].tolist() == ["ward:7", "ward:a/2.png"]
    assert manifest.images["view"].tolist() == ["frontal", "lateral"]
    assert manifest.images["split"].tolist() == ["train", "validation"]
    assert manifest.reports["a/1.png"] == "Clear,\nno effusion."
    assert not manifest.redistributable
    assert manifest.classes == ()
    with pytest.raises(UsageError, match="Report"):
        csv_pairs.read(root, text_column="report")


def test_without_patients_each_image_is_one(root: Path, write_text: Write) -> None:
    write_text(root / "mine.csv", f"image,text\n{root / 'a' / '1.png'},Clear.\n")
    manifest = csv_pairs.read(root, file="mine.csv")
    assert "no patients" in manifest.release
    assert manifest.images["patient"].tolist() == ["csv:a/1.png"]
    assert manifest.images["view"].tolist() == ["unknown"]


def test_unquoted_commas_are_an_error(root: Path, write_text: Write) -> None:
    write_text(root / "pairs.csv", "image,text\na/1.png,Clear, no effusion.\n")
    with pytest.raises(BadDataError, match="Quote"):
        csv_pairs.read(root)


def test_absent_files(root: Path) -> None:
    (root / "a" / "2.png").unlink()
    with pytest.raises(MissingDataError, match=r"a/2\.png"):
        csv_pairs.read(root, text_column="Report")
    assert csv_pairs.read(root, text_column="Report", allow_partial=True).partial == 1
    with pytest.raises(MissingDataError, match=r"other\.csv"):
        csv_pairs.read(root, file="other.csv")
