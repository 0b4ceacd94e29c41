from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.data.sources import chexpert
from benchmark.data.splits import split_rows
from benchmark.errors import BadDataError, MissingDataError

Write = Callable[[Path, str], Path]
HEADER = (
    "Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Enlarged Cardiomediastinum,Cardiomegaly,"
    "Lung Opacity,Lung Lesion,Edema,Consolidation,Pneumonia,Atelectasis,Pneumothorax,"
    "Pleural Effusion,Pleural Other,Fracture,Support Devices"
)
TRAIN = (
    "train/patient99001/study1/view1_frontal.jpg,Female,51,Frontal,PA,,,1.0,,,,,0.0,,0.0,-1.0,,,",
    "train/patient99001/study1/view2_lateral.jpg,Female,51,Lateral,,,,1.0,,,,,0.0,,0.0,-1.0,,,",
    "train/patient99002/study2/view1_frontal.jpg,Male,44,Frontal,AP,1.0,,,,,,,,,0.0,0.0,,,1.0",
    "train/patient99003/study1/view1_frontal.jpg,Unknown,0,Frontal,LL,,,,,,,,,,,,,,",
)
VALID = (
    "valid/patient99901/study1/view1_frontal.jpg,Male,90,Frontal,AP,"
    "0.0,0.0,0.0,1.0,0.0,1.0,0.0,0.0,1.0,0.0,1.0,0.0,0.0,1.0"
)
GROUND_TRUTH = f"""Study,{",".join(HEADER.split(",")[5:])}
CheXpert-v1.0/test/patient99951/study1,0,0,0,1,0,1,1,0,0,0,0,0,1,1
CheXpert-v1.0/test/patient99952/study1,1,0,0,0,0,0,0,0,0,0,0,0,0,0
"""
PICTURES = [row.split(",")[0] for row in (*TRAIN, VALID)]
TEST_PICTURES = (
    "test/patient99951/study1/view1_frontal.jpg",
    "test/patient99951/study1/view2_lateral.jpg",
    "test/patient99952/study1/view1_frontal.jpg",
)


def tables(folder: Path, release: str, write_text: Write) -> None:
    rows = [f"{release}/{row}" for row in TRAIN]
    write_text(folder / "train.csv", "\n".join([HEADER, *rows]) + "\n")
    write_text(folder / "valid.csv", f"{HEADER}\n{release}/{VALID}\n")


@pytest.fixture
def root(tmp_path: Path, write_picture: Callable[..., Path], write_text: Write) -> Path:
    folder = tmp_path / "CheXpert-v1.0-small"
    tables(folder, "CheXpert-v1.0-small", write_text)
    for path in PICTURES:
        write_picture(folder / path)
    return folder


def test_images_and_who_is_on_them(root: Path) -> None:
    manifest = chexpert.read(root)
    images = manifest.images
    assert manifest.release == "v1.0-small"
    assert images["image"][1] == "CheXpert-v1.0-small/train/patient99001/study1/view2_lateral"
    assert images["path"][1] == "train/patient99001/study1/view2_lateral.jpg"
    assert images["patient"].tolist()[:3] == ["chexpert:99001"] * 2 + ["chexpert:99002"]
    assert images["study"].tolist()[1:3] == ["patient99001/study1", "patient99002/study2"]
    assert images["view"].tolist()[:3] == ["frontal", "lateral", "frontal"]
    assert images["projection"].tolist() == ["PA", "", "AP", "LL", "AP"]
    assert images["sex"].tolist() == ["F", "F", "M", "", "M"]
    assert images["age"].tolist()[:3] == [51.0, 51.0, 44.0] and np.isnan(images["age"][3])
    assert images["split"].tolist() == ["train"] * 4 + ["test"]
    assert images["part"].tolist() == ["train"] * 4 + ["valid"]
    assert list(manifest.label_files) == ["train.csv", "valid.csv"]


def test_labels_keep_uncertain_and_not_mentioned_apart(root: Path) -> None:
    labels = chexpert.read(root).labels
    assert tuple(labels.columns) == chexpert.CLASSES == tuple(HEADER.split(",")[5:])
    assert labels["Pleural Effusion"].tolist()[:3] == [-1.0, -1.0, 0.0]
    assert labels["Cardiomegaly"][0] == 1.0 and np.isnan(labels["Cardiomegaly"][2])
    assert labels.iloc[3].isna().all()
    assert not labels.iloc[4].isna().any() and labels.iloc[4].sum() == 5


@pytest.mark.parametrize("release", ["CheXpert-v1.0-small", "CheXpert-v1.0"])
@pytest.mark.parametrize("moved", [False, True])
def test_both_releases_and_batches_give_the_same_ids(
    tmp_path: Path,
    write_picture: Callable[..., Path],
    write_text: Write,
    release: str,
    moved: bool,
) -> None:
    folder = tmp_path / "any"
    inside = folder / "CheXpert-v1.0 batch 1 (validate & csv)" if moved else folder
    tables(inside, release, write_text)
    for number, path in enumerate(PICTURES):
        batch = f"CheXpert-v1.0 batch {number % 2 + 2} (train {number % 2 + 1})"
        write_picture(folder / batch / path.split("/", 1)[1] if moved else folder / path)
    manifest = chexpert.read(folder)
    assert manifest.images["image"].tolist() == [
        f"CheXpert-v1.0-small/{path.removesuffix('.jpg')}" for path in PICTURES
    ]
    assert manifest.release == release.removeprefix("CheXpert-")
    assert all((manifest.root / path).is_file() for path in manifest.images["path"])
    assert manifest.images["split"].tolist() == ["train"] * 4 + ["test"]


def test_labels_of_the_test_set_are_of_studies(
    root: Path, write_picture: Callable[..., Path], write_text: Write
) -> None:
    write_text(root / "groundtruth.csv", GROUND_TRUTH)
    assert len(chexpert.read(root)) == 5, "labels without any picture are left aside"
    for path in TEST_PICTURES:
        write_picture(root / path)
    manifest = chexpert.read(root)
    test = manifest.images[manifest.images["part"] == "test"]
    assert test["path"].tolist() == list(TEST_PICTURES)
    assert test["view"].tolist() == ["frontal", "lateral", "frontal"]
    assert set(test["split"]) == {""} and test["age"].isna().all() and set(test["sex"]) == {""}
    assert test["patient"].tolist() == ["chexpert:99951", "chexpert:99951", "chexpert:99952"]
    assert manifest.labels["Edema"][5:].tolist() == [1.0, 1.0, 0.0]
    assert manifest.labels["No Finding"][5:].tolist() == [0.0, 0.0, 1.0]
    assert manifest.release == "v1.0-small, with the test set"
    assert manifest.label_files[-1] == "groundtruth.csv"
    rows = split_rows(manifest, "official")
    assert rows.test.tolist() == [4], "the official validation set alone is tested on"
    (root / TEST_PICTURES[2]).unlink()
    with pytest.raises(MissingDataError, match="patient99952/study1"):
        chexpert.read(root)


def test_labels_of_the_test_set_by_image(
    root: Path, write_picture: Callable[..., Path], write_text: Write
) -> None:
    text = GROUND_TRUTH.replace("Study,", "Path,").replace("CheXpert-v1.0/", "")
    write_text(root / "test_labels.csv", text.replace("study1,", "study1/view1_frontal.jpg,"))
    for path in TEST_PICTURES:
        write_picture(root / path)
    manifest = chexpert.read(root)
    assert len(manifest) == 8 and manifest.labels["Fracture"][5:].tolist() == [1.0, 1.0, 0.0]


def test_published_lists_name_the_same_images(
    root: Path, tmp_path: Path, write_text: Write
) -> None:
    lists = tmp_path / "splits_maco" / "CheXpert"
    prefix = "CheXpert-v1.0-small/"
    write_text(lists / "train_list.txt", f"{prefix}{PICTURES[0]} 0 1 0 0 1\n")
    write_text(lists / "val_list.txt", f"{prefix}{PICTURES[2]} 0 0 0 0 0\n")
    write_text(lists / "test_list.txt", f"{prefix}{PICTURES[4]} 1 0 0 1 1\n")
    manifest = chexpert.read(root)
    rows = split_rows(manifest, "maco_lists")
    assert (rows.train.tolist(), rows.validation.tolist(), rows.test.tolist()) == ([0], [2], [4])
    assert rows.labels is not None
    listed = rows.labels[list(chexpert.COMPETITION)]
    assert listed.iloc[0].tolist() == [0.0, 1.0, 0.0, 0.0, 1.0]
    assert manifest.labels["Pleural Effusion"][0] == -1.0, "the set's own labels stay"


def test_absent_files_and_wrong_cells(root: Path, write_text: Write) -> None:
    (root / PICTURES[3]).unlink()
    with pytest.raises(MissingDataError, match="patient99003/study1/view1_frontal"):
        chexpert.read(root)
    manifest = chexpert.read(root, allow_partial=True)
    assert (len(manifest), manifest.partial) == (4, 1)
    text = (root / "train.csv").read_text()
    write_text(root / "train.csv", text.replace(",-1.0,", ",2.0,"))
    with pytest.raises(BadDataError, match="Pleural Effusion"):
        chexpert.read(root, allow_partial=True)
    write_text(root / "train.csv", text.replace("view2_lateral", "view2_oblique"))
    with pytest.raises(BadDataError, match="view2_oblique"):
        chexpert.read(root, allow_partial=True)
    (root / "valid.csv").unlink()
    with pytest.raises(MissingDataError, match=r"valid\.csv"):
        chexpert.read(root)


CELLS = st.sampled_from(["", "1.0", "0.0", "-1.0"])


@settings(max_examples=30)
@given(rows=st.lists(st.lists(CELLS, min_size=14, max_size=14), min_size=1, max_size=6))
def test_any_labels_come_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    folder = tmp_path_factory.mktemp("set")
    lines = []
    for number, cells in enumerate(rows):
        path = f"train/patient{99100 + number}/study1/view1_frontal.jpg"
        lines.append(f"CheXpert-v1.0/{path},Male,60,Frontal,AP,{','.join(cells)}")
        (folder / path).parent.mkdir(parents=True)
        (folder / path).write_bytes(b"x")
    (folder / "train.csv").write_text("\n".join([HEADER, *lines]))
    (folder / "valid.csv").write_text(HEADER + "\n")
    labels = chexpert.read(folder).labels.to_numpy()
    wanted = np.array([[float(cell) if cell else np.nan for cell in cells] for cells in rows])
    assert np.array_equal(labels, wanted, equal_nan=True)
