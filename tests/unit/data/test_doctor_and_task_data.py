from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.data import task_data
from benchmark.data.doctor import examine
from benchmark.errors import MissingDataError
from benchmark.recipes import DetectRecipe, Recipe

Write = Callable[[Path, str], Path]


@pytest.fixture
def data(tmp_path: Path, write_picture: Callable[..., Path], write_text: Write) -> Path:
    root = tmp_path / "rsna-pneumonia-detection-challenge"
    names = [f"id-{number:03d}" for number in range(60)]
    for name in names:
        write_picture(root / "stage_2_train_images" / f"{name}.png", 8, 8)
    rows = [
        f"{name},,,,,0" if number % 2 else f"{name},1,1,4,4,1" for number, name in enumerate(names)
    ]
    write_text(
        root / "stage_2_train_labels.csv",
        "patientId,x,y,width,height,Target\n" + "\n".join(rows) + "\n",
    )
    lists = tmp_path / "splits_maco" / "RSNA_Pneumonia"
    write_text(lists / "train_list.txt", "".join(f"x/{name}.dcm 0 \n" for name in names[:40]))
    write_text(lists / "val_list.txt", "".join(f"x/{name}.dcm 0 \n" for name in names[40:50]))
    write_text(lists / "test_list.txt", "".join(f"x/{name}.dcm 0 \n" for name in names[38:60]))
    return tmp_path


def test_doctor_counts_leaks_and_unreadable_files(data: Path) -> None:
    root = data / "rsna-pneumonia-detection-challenge"
    (root / "stage_2_train_images" / "id-007.png").write_bytes(b"broken")
    (root / "stage_2_train_images" / "id-009.png").unlink()
    report = examine("rsna_pneumonia", root, full=True)
    assert report.found["images"] == 59 and report.opened == 59
    assert (report.absent, report.first_absent) == (1, ("id-009",))
    assert len(report.unreadable) == 1 and "id-007.png" in report.unreadable[0]
    facts = report.lists["maco_lists"]
    assert facts["train and test"] == {"images": 2, "patients": 2}
    assert facts["validation and test"] == {"images": 10, "patients": 10}
    assert facts["train"] == {"listed": 40, "present": 39, "published": 25_184}
    assert not report.healthy
    text = "\n".join(report.lines())
    assert "expected about 29,684" in text and "id-007.png" in text
    assert "2 images and 2 patients stand in both training and test" in text
    assert "split `official`: train" in text and "validation 12 (published 5,337)" in text
    images = report.named_splits["mgca"]["images"]
    assert images == {"train": 35, "validation": 12, "test": 12}
    assert report.named_splits["mgca"]["published"]["train"] == 16_010
    assert json.loads(json.dumps(report.as_json()))["positives"] == {"Lung Opacity": 30}
    assert examine("rsna_pneumonia", root).opened == 50


def test_doctor_compares_lists_of_two_tasks(data: Path, write_text: Write) -> None:
    names = [f"id-{number:03d}" for number in (0, 2, 38, 50)]
    content = {
        "images": [{"id": n, "file_name": f"png/{name}.png"} for n, name in enumerate(names)],
        "annotations": [{"image_id": n} for n in range(len(names))],
    }
    write_text(data / "splits_maco" / "rsna_test_coco_format.json", json.dumps(content))
    report = examine("rsna_pneumonia", data / "rsna-pneumonia-detection-challenge")
    assert set(report.lists) == {"maco_lists", "maco_detection"}
    across = report.across["maco_lists train and maco_detection test"]
    assert across == {"images": 3, "patients": 3}
    assert report.lists["maco_detection"]["test"]["published"] == 1_218
    assert "list maco_detection: no leak" in report.lines()


def test_manifests_are_read_once(data: Path) -> None:
    task_data.forget_manifests()
    first = task_data.load_manifest("rsna_pneumonia", data_root=data)
    assert task_data.load_manifest("rsna_pneumonia", data_root=data) is first
    assert (
        task_data.load_manifest("rsna_pneumonia", data_root=data, allow_partial=True) is not first
    )
    with pytest.raises(MissingDataError, match="NIH"):
        task_data.load_manifest("nih_cxr14", data_root=data)


def test_task_rows_of_a_label_fraction(data: Path) -> None:
    manifest = task_data.load_manifest("rsna_pneumonia", data_root=data)
    recipe = Recipe(source="test")
    whole = task_data.load_task_rows(manifest, recipe)
    tenth = task_data.load_task_rows(manifest, recipe, 10.0, 0)
    assert set(tenth.train) < set(whole.train)
    assert len(tenth.train) == round(0.1 * len(whole.train))
    assert tenth.test.tolist() == whole.test.tolist()
    assert tenth.labels is not None and len(tenth.labels) == len(manifest)
    patients = task_data.tested_patients(manifest, whole)
    assert len(patients) == len(whole.test) + len(whole.validation)


def test_a_fraction_of_images_with_boxes_holds_these_alone(data: Path) -> None:
    manifest = task_data.load_manifest("rsna_pneumonia", data_root=data)
    boxed = set(manifest.images.index[manifest.images["image"].isin(manifest.boxes["image"])])
    with_all = DetectRecipe(source="test", negatives="include")
    positives = replace(with_all, negatives="exclude")
    whole = task_data.load_task_rows(manifest, with_all, 100.0, 0)
    some = task_data.load_task_rows(manifest, positives, 100.0, 0)
    assert set(some.train) == set(whole.train) & boxed
    assert 0 < len(some.train) < len(whole.train)
    half = task_data.load_task_rows(manifest, positives, 50.0, 0)
    assert set(half.train) < set(some.train)
    assert len(half.train) == round(len(some.train) / 2)
