from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.data.sources import covidx
from benchmark.data.sources._covidx_lists import parse_line
from benchmark.data.splits import split_rows
from benchmark.errors import BadDataError, MissingDataError

Write = Callable[[Path, str], Path]
Picture = Callable[..., Path]
UID = "00000000-1111-2222-3333-444444444444"
TRAIN = f"""COVID 7 COVID(7).png COVID-19 sirm
5 severe.png pneumonia cohen
{UID} {UID}.png normal rnsa
S09 sub-S09_run-1.png COVID-19 bimcv
S09 sub-S09_run-2.JPG COVID-19 bimcv
"""
TEST = "419-1 MIDRC-1.png COVID-19 ricord\n77 old.jpeg normal\n"


@pytest.fixture
def root(tmp_path: Path, write_picture: Picture, write_text: Write) -> Path:
    folder = tmp_path / "covidx"
    for split, text in (("train", TRAIN), ("test", TEST)):
        for line in text.splitlines():
            name = parse_line(line)[1]
            write_picture(folder / split / "scratch.png").rename(folder / split / name)
    write_text(folder / "train_COVIDx9A.txt", TRAIN)
    write_text(folder / "test_COVIDx9A.txt", TEST)
    return folder


def test_lines_with_three_four_and_five_fields(root: Path) -> None:
    manifest = covidx.read(root)
    images = manifest.images
    assert images["image"].tolist() == [
        "train/COVID(7).png",
        "train/severe.png",
        f"train/{UID}.png",
        "train/sub-S09_run-1.png",
        "train/sub-S09_run-2.JPG",
        "test/MIDRC-1.png",
        "test/old.jpeg",
    ]
    assert images["patient"].tolist() == [
        "covidx:sirm:COVID 7",
        "idc:5",
        f"rsna:{UID}",
        "covidx:bimcv:S09",
        "covidx:bimcv:S09",
        "covidx:ricord:419-1",
        "covidx::77",
    ]
    used = {name.partition(":")[0] for name in images["patient"]}
    assert used == covidx.SOURCE.namespaces
    assert images["split"].tolist() == ["train"] * 5 + ["test"] * 2
    assert images["path"].tolist() == images["image"].tolist()
    assert manifest.classes == ("normal", "pneumonia", "COVID-19")
    assert manifest.labels.to_numpy().argmax(axis=1).tolist() == [2, 1, 0, 2, 2, 2, 0]
    assert (manifest.labels.sum(axis=1) == 1).all()
    assert manifest.release == "lists 9A"
    assert manifest.label_files == ("train_COVIDx9A.txt", "test_COVIDx9A.txt")


def test_two_classes_and_a_validation_list_of_the_page(
    tmp_path: Path, write_picture: Picture, write_text: Write
) -> None:
    for split, name in (("train", "a.png"), ("val", "b.png"), ("test", "a.png")):
        write_picture(tmp_path / split / name)
        kind = "negative" if split == "val" else "positive"
        write_text(tmp_path / f"{split}.txt", f"p{split} {name} {kind} stonybrook\n")
    manifest = covidx.read(tmp_path)
    assert manifest.classes == ("negative", "COVID-19")
    assert manifest.labels.to_numpy().tolist() == [[0, 1], [1, 0], [0, 1]]
    assert manifest.images["split"].tolist() == ["train", "validation", "test"]
    assert manifest.images["path"].tolist() == ["train/a.png", "val/b.png", "test/a.png"]
    assert manifest.release.startswith("CXR-4") and not manifest.lists


def test_which_lists_are_taken(root: Path, write_text: Write) -> None:
    write_text(root / "train.txt", "5 severe.png negative cohen\n")
    write_text(root / "labels" / "train_COVIDx9B.txt", "5 severe.png negative cohen\n")
    assert covidx.read(root).release == "lists 9A"
    assert covidx.read(root, version="9B").release == "lists 9B"
    assert covidx.read(root, version="page").release == "unknown version (1 lines in train.txt)"
    for split in ("train", "test"):
        (root / f"{split}_COVIDx9A.txt").unlink()
    assert covidx.read(root).release == "unknown version (1 lines in train.txt)"
    (root / "train.txt").unlink()
    write_text(root / "labels" / "train_COVIDx10X.txt", "5 severe.png negative cohen\n")
    assert covidx.read(root).release == "lists 10X"
    with pytest.raises(MissingDataError, match=r"`3`.*10X"):
        covidx.read(root, version="3")


def test_lists_beside_the_images(root: Path, tmp_path: Path) -> None:
    other = tmp_path / "COVID-Net"
    (other / "labels").mkdir(parents=True)
    for split in ("train", "test"):
        name = f"{split}_COVIDx9A.txt"
        (root / name).rename(other / "labels" / name)
    with pytest.raises(MissingDataError, match="9A"):
        covidx.read(root)
    assert len(covidx.read(root, lists_root=other)) == 7


def test_old_test_folder_and_absent_images(root: Path) -> None:
    (root / "test").rename(root / "competition_test")
    paths = covidx.read(root).images["path"].tolist()
    assert paths[-1] == "competition_test/old.jpeg"
    (root / "train" / "severe.png").unlink()
    with pytest.raises(MissingDataError, match=r"train/severe\.png"):
        covidx.read(root)
    manifest = covidx.read(root, allow_partial=True)
    assert (len(manifest), manifest.partial) == (6, 1)


def test_a_name_with_two_classes_is_of_no_known_class(root: Path, write_text: Write) -> None:
    again = "6 severe.png COVID-19 cohen\n" + TRAIN.splitlines()[0] + "\n"
    write_text(root / "train_COVIDx9A.txt", TRAIN + again)
    manifest = covidx.read(root)
    assert len(manifest) == 7
    assert manifest.labels.iloc[1].isna().all()
    assert manifest.labels.iloc[0].tolist() == [0.0, 0.0, 1.0]


@pytest.mark.parametrize("line", ["5 severe.png", "5 severe.png flu cohen", "one", "normal"])
def test_malformed_lines_are_named(root: Path, write_text: Write, line: str) -> None:
    write_text(root / "test_COVIDx9A.txt", f"{TEST}\n{line}\n")
    with pytest.raises(BadDataError, match=r"test_COVIDx9A\.txt`, line 4"):
        covidx.read(root)


WORD = st.text(st.characters(codec="ascii", min_codepoint=33, max_codepoint=126), min_size=1)


@given(
    st.lists(WORD, min_size=1, max_size=3),
    WORD,
    st.sampled_from(["normal", "pneumonia", "COVID-19", "positive", "negative"]),
    st.sampled_from(["rsna", "rnsa", "cohen", "ricord"]),
)
def test_any_line_of_four_parts_is_understood(
    words: list[str], name: str, kind: str, source: str
) -> None:
    patient = " ".join(words)
    parsed = parse_line(f"{patient} {name} {kind} {source}\n")
    assert parsed[:2] == (patient, name)
    assert parsed[2] == {"positive": "COVID-19"}.get(kind, kind)
    assert parsed[3] == {"rnsa": "rsna"}.get(source, source)


def write_many(folder: Path, count: int, write_text: Write) -> None:
    lines = [f"p{n} i{n}.png {covidx.THREE_CLASSES[n % 3]} bimcv" for n in range(count)]
    write_text(folder / "train_COVIDx9A.txt", "\n".join(lines))
    write_text(folder / "test_COVIDx9A.txt", "t t.png normal bimcv\n")
    (folder / "train").mkdir(exist_ok=True)
    (folder / "train" / "i0.png").write_bytes(b"x")


def test_the_rule_of_mgca_gives_the_counts_of_g2d(tmp_path: Path, write_text: Write) -> None:
    write_many(tmp_path, 29_986, write_text)
    parts = covidx.read(tmp_path, allow_partial=True).lists["mgca_lists"]["split"]
    assert parts.value_counts().to_dict() == {"train": 23_988, "validation": 5_998, "test": 1}


def test_the_rule_of_mgca_is_that_of_scikit_learn(tmp_path: Path, write_text: Write) -> None:
    from sklearn.model_selection import train_test_split

    write_many(tmp_path, 101, write_text)
    table = covidx.read(tmp_path, allow_partial=True).lists["mgca_lists"]
    train, validation = train_test_split(np.arange(101), train_size=0.8, random_state=0)
    for part, numbers in (("train", train), ("validation", validation)):
        names = set(table.loc[table["split"] == part, "image"])
        assert names == {f"train/i{number}.png" for number in numbers}
    assert table["in_100"].sum() == 80


def test_splits_by_patient_and_by_image(root: Path) -> None:
    manifest = covidx.read(root)
    for name in ("official", "g2d"):
        rows = split_rows(manifest, name)
        assert rows.test.tolist() == [5, 6]
        assert len(rows.validation) and not rows.leaks
    assert len(split_rows(manifest, "mgca_lists").validation) == 1
