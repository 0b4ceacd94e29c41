"""Official label files at full scale, read by our readers; the counts are those of the files.

The images are not there. The readers are told that they are, so that no row is left out.
"""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from benchmark.data.manifest import Manifest
from benchmark.data.sources import _files, chestx_det, nih_cxr14, rsna_pneumonia

YES_NO = ("Fracture", "Pneumothorax", "Airspace opacity", "Nodule or mass")


@pytest.fixture(scope="module")
def annotations(real_data: Path) -> Path:
    return real_data / "annotations"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one official-sized image, which stands for all."""
    Image.fromarray(np.zeros((1024, 1024), np.uint8)).save(tmp_path / "one.png")
    return tmp_path


def pretend_images(monkeypatch: pytest.MonkeyPatch, names: list[str]) -> None:
    index = dict.fromkeys(names, "one.png")
    monkeypatch.setattr(_files, "index_images", lambda *_, **__: index)


def read_nih(
    folder: Path, monkeypatch: pytest.MonkeyPatch, table: Path, *others: Path
) -> tuple[Manifest, pd.DataFrame]:
    shutil.copyfile(table, folder / "Data_Entry_2017_v2020.csv.gz")
    for other in others:
        shutil.copyfile(other, folder / other.name)
    rows = _files.read_table(table)
    pretend_images(monkeypatch, [_files.stem_of(name) for name in rows["Image Index"]])
    return nih_cxr14.read(folder), rows


def test_nih_labels_and_boxes(
    annotations: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest, rows = read_nih(
        folder,
        monkeypatch,
        annotations / "Data_Entry_2017_v2020.csv.gz",
        annotations / "BBox_List_2017.csv.gz",
    )
    expected = nih_cxr14.SOURCE.expected
    assert len(manifest) == len(rows) == expected["images"] == 112_120
    assert manifest.images["patient"].nunique() == expected["patients"] == 30_805
    assert manifest.labels.isin([0.0, 1.0]).all(axis=None)
    assert (manifest.labels.sum(axis=1) == 0).sum() == 60_361, "images with `No Finding`"
    counts = manifest.labels.sum().astype(int)
    assert counts["Infiltration"] == 19_894 and counts["Hernia"] == 227
    assert counts.sum() == sum(
        len(text.split("|")) for text in rows["Finding Labels"] if text != "No Finding"
    )
    assert manifest.images["age"].between(0, 120).mean() > 0.999
    assert set(manifest.images["sex"]) == {"M", "F"}
    boxes = manifest.boxes
    assert len(boxes) == expected["boxes"] == 984
    assert boxes["image"].nunique() == 880 and boxes["label"].nunique() == 8
    assert set(boxes["label"]) <= set(nih_cxr14.CLASSES), "`Infiltrate` is renamed"
    assert (boxes[["w", "h"]] > 0).all(axis=None)
    assert (boxes["x"] + boxes["w"]).max() <= 1024 and (boxes["y"] + boxes["h"]).max() <= 1024.5
    shown = manifest.labels.set_index(manifest.images["image"])
    agreeing = np.mean([shown.at[row.image, row.label] for row in boxes.itertuples()])
    assert agreeing > 0.95, "boxes are of findings that the labels name"


def test_adjudicated_nih_labels(
    annotations: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Majkowska et al.: the NIH columns, four findings more and a part; so the reader reads it."""
    path = annotations / "google2019_nih-chest-xray-labels.csv.gz"
    manifest, rows = read_nih(folder, monkeypatch, path)
    assert len(manifest) == len(rows) == 4_376
    assert all(set(rows[name]) == {"YES", "NO"} for name in YES_NO)
    assert rows["Set Id"].value_counts().to_dict() == {"val": 2_414, "test": 1_962}
    whole = _files.read_table(annotations / "Data_Entry_2017_v2020.csv.gz")
    assert set(rows["Image Index"]) <= set(whole["Image Index"])
    people = dict(zip(whole["Image Index"], whole["Patient ID"]))
    assert all(
        patient == f"nih:{int(people[name])}"
        for name, patient in zip(rows["Image Index"], manifest.images["patient"])
    )


def test_rsna_labels_and_the_map_to_nih(
    annotations: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copyfile(
        annotations / "rsna_stage_2_train_labels.csv.zip", folder / "stage_2_train_labels.csv.zip"
    )
    shutil.copyfile(annotations / "rsna_to_nih_map.csv.gz", folder / "rsna_to_nih_map.csv.gz")
    rows = _files.read_table(folder / "stage_2_train_labels.csv.zip")
    mapped = _files.read_table(folder / "rsna_to_nih_map.csv.gz")
    assert len(rows) == 30_227 and len(mapped) == 26_684
    pretend_images(monkeypatch, rows["patientId"].tolist())
    manifest = rsna_pneumonia.read(folder)
    expected = rsna_pneumonia.SOURCE.expected
    assert len(manifest) == expected["train"] == 26_684
    assert manifest.labels["Lung Opacity"].sum() == 6_012
    assert len(manifest.boxes) == expected["boxes"] == 9_555
    per_image = manifest.boxes["image"].value_counts().value_counts().to_dict()
    assert per_image == {1: 2_614, 2: 3_266, 3: 119, 4: 13}
    right = manifest.boxes["x"] + manifest.boxes["w"]
    bottom = manifest.boxes["y"] + manifest.boxes["h"]
    assert right.max() <= 1024 and bottom.max() <= 1024
    certain = manifest.images["patient"].str.startswith("nih:")
    assert int((~certain).sum()) == 98, "matches that are not certain keep their own name"
    assert manifest.images["patient"].nunique() < 26_684
    whole = _files.read_table(annotations / "Data_Entry_2017_v2020.csv.gz")
    assert set(mapped["nih_image"]) <= set(whole["Image Index"])


def test_chestx_det(annotations: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    names: list[str] = []
    for file in chestx_det.FILES.values():
        shutil.copyfile(annotations / f"{file}.gz", folder / f"{file}.gz")
        data = gzip.decompress((folder / f"{file}.gz").read_bytes())
        images, found = chestx_det.parse_annotations(data, file)
        names += images
        drawn += found
    pretend_images(monkeypatch, names)
    manifest = chestx_det.read(folder)
    expected = chestx_det.SOURCE.expected
    assert len(manifest) == expected["images"] == 3_578
    assert len(manifest.boxes) == len(drawn) == expected["boxes"]
    assert manifest.images["split"].value_counts().to_dict() == {"train": 3_025, "test": 553}
    boxed = manifest.boxes.drop_duplicates("image")["split"].value_counts().to_dict()
    assert boxed == {"train": 2_478, "test": 489}
    counts = manifest.boxes.groupby(["split", "label"]).size()
    assert counts["train"]["Consolidation"] == 2_110 and counts["test"]["Mass"] == 34
    assert counts["train"]["Diffuse Nodule"] == 227 and len(counts) == 26
    assert max(item.box[0] + item.box[2] for item in drawn) == 1_022
    assert max(item.box[1] + item.box[3] for item in drawn) == 1_010
    assert min(len(item.outline) for item in drawn) == 4
    for item in drawn:
        x, y, w, h = item.box
        low, high = item.outline.min(axis=0), item.outline.max(axis=0)
        assert x <= low[0] and y <= low[1] and high[0] <= x + w and high[1] <= y + h
        assert min(w, h) >= 20
        if min(w, h) > 20:
            assert [*low, *high] == [x, y, x + w, y + h], "larger boxes are tight"
