from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.data.sources import nih_cxr14
from benchmark.errors import BadDataError, MissingDataError
from benchmark.phantom.truth import NIH_CLASSES

Write = Callable[[Path, str], Path]
HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,"
    "View Position,OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]"
)
ROWS = (
    "00990001_000.png,Cardiomegaly|Emphysema,0,1,44,M,PA,2000,1900,0.15,0.15",
    "00990001_001.png,No Finding,1,1,058Y,M,PA,2000,1900,0.15,0.15",
    "00990002_000.png,Pleural_Thickening,0,2,11M,F,AP,1800,1700,0.16,0.16",
)
BOXES = """Image Index,Finding Label,Bbox [x,y,w,h],,,
00990002_000.png,Infiltrate,101.25,302.5,64.75,58.5
00990099_000.png,Mass,1,2,3,4
"""


@pytest.fixture
def root(tmp_path: Path, write_picture: Callable[..., Path], write_text: Write) -> Path:
    folder = tmp_path / "nih-cxr14"
    write_picture(folder / "images_001" / "images" / "00990001_000.png")
    write_picture(folder / "images" / "images_02" / "images" / "00990001_001.png")
    write_picture(folder / "00990002_000.jpg")
    write_text(folder / "Data_Entry_2017_v2020.csv", "\n".join([HEADER, *ROWS]) + "\n")
    return folder


def check(root: Path) -> None:
    manifest = nih_cxr14.read(root)
    assert manifest.images["patient"].tolist() == ["nih:1", "nih:1", "nih:2"]
    assert manifest.images["age"].tolist() == [44.0, 58.0, 0.0]
    assert manifest.images["sex"].tolist() == ["M", "M", "F"]
    assert manifest.classes == NIH_CLASSES
    assert manifest.labels.sum(axis=1).tolist() == [2.0, 0.0, 1.0]
    assert manifest.labels["Emphysema"].tolist() == [1.0, 0.0, 0.0]
    assert manifest.labels["Pleural_Thickening"].tolist() == [0.0, 0.0, 1.0]


def test_trees_are_indexed_by_name(root: Path) -> None:
    check(root)
    assert nih_cxr14.read(root).images["path"].tolist() == [
        "images_001/images/00990001_000.png",
        "images/images_02/images/00990001_001.png",
        "00990002_000.jpg",
    ]
    assert nih_cxr14.read(root).release == "2017_v2020"


@pytest.mark.parametrize("header_comma", [True, False])
def test_trailing_commas_and_patient_sex(root: Path, write_text: Write, header_comma: bool) -> None:
    (root / "Data_Entry_2017_v2020.csv").unlink()
    header = HEADER.replace("Gender", "Sex") + "," * header_comma
    write_text(
        root / "Data_Entry_2017.csv",
        "\r\n".join([header, *(row + "," for row in ROWS)]) + "\r\n",
    )
    check(root)


def test_boxes_of_the_official_frame(root: Path, write_text: Write) -> None:
    write_text(root / "BBox_List_2017.csv", BOXES)
    boxes = nih_cxr14.read(root).boxes
    assert boxes["image"].tolist() == ["00990002_000"]
    assert boxes["label"].tolist() == ["Infiltration"]
    assert boxes[["x", "y", "w", "h", "width", "height"]].iloc[0].tolist() == [
        101.25,
        302.5,
        64.75,
        58.5,
        1024,
        1024,
    ]


def test_official_split(root: Path, write_text: Write) -> None:
    assert set(nih_cxr14.read(root).images["split"]) == {""}
    write_text(root / "train_val_list.txt", "00990001_000.png\n00990001_001.png")
    write_text(root / "test_list.txt", "00990002_000.png")
    assert nih_cxr14.read(root).images["split"].tolist() == ["train", "train", "test"]


def test_published_lists_beside_the_data(root: Path, tmp_path: Path, write_text: Write) -> None:
    line = "00990001_000.png 0 1 " + " ".join("0" * 12)
    write_text(tmp_path / "splits_maco" / "NIH_ChestX-ray" / "train_list.txt", line + "\r\n")
    table = nih_cxr14.read(root).lists["maco_lists"]
    assert table["image"].tolist() == ["00990001_000"]
    assert table["Cardiomegaly"].tolist() == [1.0]


def test_absent_images_and_unknown_findings(root: Path, write_text: Write) -> None:
    (root / "00990002_000.jpg").unlink()
    with pytest.raises(MissingDataError, match="00990002_000"):
        nih_cxr14.read(root)
    assert nih_cxr14.read(root, allow_partial=True).partial == 1
    rows = [HEADER, *ROWS[:1], ROWS[1].replace("No Finding", "Masses")]
    write_text(root / "Data_Entry_2017_v2020.csv", "\n".join(rows))
    with pytest.raises(BadDataError, match="Masses"):
        nih_cxr14.read(root)
