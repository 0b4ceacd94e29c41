from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark.data.sources import ms_cxr
from benchmark.errors import BadDataError, MissingDataError

Write = Callable[[Path, str], Path]
A, B = (f"{letter * 8}-11111111-22222222-33333333-44444444" for letter in "ab")
FOLDER = {
    A: f"files/p10/p10999901/s50999911/{A}.jpg",
    B: f"files/p10/p10999902/s50999922/{B}.jpg",
}


def content(split: bool = True) -> dict[str, Any]:
    """Two records for one image, two boxes of one phrase, category ids out of order."""

    def note(number: int, image: int, category: int, box: list[float], text: str, part: str) -> Any:
        extra = {"split": part} if split else {}
        base = {"id": number, "image_id": image, "category_id": category, "bbox": box}
        return {**base, "width": 10, "height": 12, "label_text": text, **extra}

    def record(number: int, name: str) -> dict[str, Any]:
        size = {"width": 10, "height": 12}
        return {"id": number, "file_name": f"{name}.jpg", "path": FOLDER[name], **size}

    return {
        "info": {"version": "1.1.0"},
        "categories": [{"id": 8, "name": "Edema"}, {"id": 2, "name": "Pneumothorax"}],
        "images": [record(7, A), record(9, B), record(30, A)],
        "annotations": [
            note(1, 7, 8, [1, 2, 3.5, 4], "hazy bases", "val"),
            note(2, 7, 8, [5, 2, 3, 4], "hazy bases", "val"),
            note(3, 30, 2, [0, 0, 2, 2], "apical air ", "val"),
            note(4, 9, 2, [4, 4, 2, 2], "left apex", "test"),
        ],
    }


CSV = f"""dicom_id,category_name,label_text,path,x,y,w,h,image_width,image_height
{A},Edema,"hazy, both bases",{FOLDER[A]},1,2,3,4,10,12
{B},Edema,hazy,{FOLDER[B]},1,2,3,4,10,12
"""


@pytest.fixture
def data(tmp_path: Path, write_picture: Callable[..., Path]) -> Path:
    for path in FOLDER.values():
        write_picture(tmp_path / "mimic-cxr-jpg" / "2.0.0" / path)
    return tmp_path


def test_json_of_1_1_0(data: Path, write_text: Write) -> None:
    path = data / "ms-cxr/1.1.0/MS_CXR_Local_Alignment_v1.1.0.json"
    write_text(path, json.dumps(content()))
    manifest = ms_cxr.read(data / "ms-cxr")
    assert manifest.release == "1.1.0"
    assert manifest.images["image"].tolist() == [A, B]
    assert manifest.images["split"].tolist() == ["validation", "test"]
    assert manifest.images["patient"].tolist() == ["mimic:10999901", "mimic:10999902"]
    assert manifest.images["study"].tolist() == ["50999911", "50999922"]
    assert len(manifest.boxes) == 4
    assert manifest.boxes["label"].tolist() == ["Edema", "Edema", "Pneumothorax", "Pneumothorax"]
    assert manifest.boxes["phrase"].tolist()[2] == "apical air"
    assert manifest.boxes.iloc[0][["x", "y", "w", "h", "width", "height"]].tolist() == [
        1.0,
        2.0,
        3.5,
        4.0,
        10,
        12,
    ]
    assert manifest.labels["Pneumothorax"].tolist() == [1.0, 1.0]
    assert np.isnan(manifest.labels["Edema"][1])
    assert all((manifest.root / name).is_file() for name in manifest.images["path"])
    assert all((manifest.root / name).is_file() for name in manifest.label_files)


def test_csv_of_0_1_has_no_split(data: Path, write_text: Write) -> None:
    write_text(data / "ms-cxr/0.1/MS_CXR_Local_Alignment_v1.0.0.csv", CSV)
    manifest = ms_cxr.read(data / "ms-cxr" / "0.1")
    assert manifest.release == "0.1"
    assert manifest.images["split"].tolist() == ["", ""]
    assert manifest.boxes["phrase"].tolist() == ["hazy, both bases", "hazy"]
    assert manifest.boxes["width"].tolist() == [10, 10]


def test_images_in_another_tree_are_found_by_name(
    tmp_path: Path, write_picture: Callable[..., Path], write_text: Write
) -> None:
    write_picture(tmp_path / "pictures" / "files" / "p10999901" / f"{A}.jpg")
    write_picture(tmp_path / "pictures" / "files" / "p10999902" / f"{B}.jpg")
    path = write_text(tmp_path / "ms" / "MS_CXR_Local_Alignment_v1.0.0.csv", CSV)
    with pytest.raises(MissingDataError, match="MIMIC-CXR-JPG"):
        ms_cxr.read(path.parent)
    manifest = ms_cxr.read(path.parent, mimic_root=tmp_path / "pictures")
    assert manifest.images["path"].tolist()[0] == f"files/p10999901/{A}.jpg"


def test_absent_images_take_their_boxes_along(data: Path, write_text: Write) -> None:
    write_text(data / "ms-cxr/MS_CXR_Local_Alignment_v1.1.0.json", json.dumps(content()))
    (data / "mimic-cxr-jpg/2.0.0" / FOLDER[A]).unlink()
    with pytest.raises(MissingDataError, match="1 of 2"):
        ms_cxr.read(data / "ms-cxr")
    manifest = ms_cxr.read(data / "ms-cxr", allow_partial=True)
    assert (len(manifest), len(manifest.boxes), manifest.partial) == (1, 1, 1)


def test_wrong_files(data: Path, write_text: Write) -> None:
    with pytest.raises(MissingDataError, match="MS_CXR_Local_Alignment"):
        ms_cxr.read(data)
    both = content()
    both["annotations"][1]["split"] = "train"
    path = data / "ms-cxr/MS_CXR_Local_Alignment_v1.1.0.json"
    write_text(path, json.dumps(both))
    with pytest.raises(BadDataError, match="two splits"):
        ms_cxr.read(path.parent)
    write_text(path, "{}")
    with pytest.raises(BadDataError, match="JSON"):
        ms_cxr.read(path.parent)
