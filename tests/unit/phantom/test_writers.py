"""The layouts as they lie on the disk, read here with the standard library alone."""

from __future__ import annotations

import csv
import dataclasses
import gzip
import json
import re
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from benchmark.phantom.allotment import allot, choose_nih_test, choose_rsna_test
from benchmark.phantom.population import draw_study
from benchmark.phantom.prevalence import OPACITY_NAMES
from benchmark.phantom.reports import Report, ReportDials
from benchmark.phantom.truth import NIH_CLASSES, Drawing, Finding
from benchmark.phantom.version import PHANTOM_VERSION
from benchmark.phantom.writers import mimic_cxr, nih_cxr14, rsna_pneumonia
from benchmark.phantom.writers.boxes import finding_boxes, is_visible, mask_box
from benchmark.phantom.writers.common import Setting
from benchmark.phantom.writers.images import equalised
from benchmark.specs import PhantomSize

if TYPE_CHECKING:
    from pathlib import Path

SMALL = PhantomSize(cases=120, size=64, seed=5)
TAG = f"phantom version {PHANTOM_VERSION} seed 5"
UUID = re.compile(r"ffffffff-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
Table = list[dict[str, str]]


def packed_table(path: Path) -> Table:
    with gzip.open(path, "rt", newline="") as stream:
        return list(csv.DictReader(stream))


def table(path: Path) -> Table:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def mimic(drawn: Path) -> dict[str, Table]:
    folder = drawn / "mimic-cxr-jpg" / "2.0.0"
    return {
        name: packed_table(folder / f"mimic-cxr-2.0.0-{name}.csv.gz")
        for name in ("metadata", "split", "chexpert", "negbio")
    }


def test_mimic_images_reports_and_tables_agree(drawn: Path, mimic: dict[str, Table]) -> None:
    root = drawn / "mimic-cxr-jpg" / "2.0.0"
    images = sorted(path.stem for path in (root / "files").rglob("*.jpg"))
    assert images == sorted(row["dicom_id"] for row in mimic["metadata"])
    assert images == sorted(row["dicom_id"] for row in mimic["split"])
    for row in mimic["metadata"]:
        assert re.fullmatch(r"ffffffff(-[0-9a-f]{8}){4}", row["dicom_id"])
        subject, study = row["subject_id"], row["study_id"]
        assert re.fullmatch(r"2\d{7}", subject) and re.fullmatch(r"6\d{7}", study)
        place = f"p{subject[:2]}/p{subject}"
        with Image.open(root / "files" / place / f"s{study}" / f"{row['dicom_id']}.jpg") as image:
            assert image.mode == "L"
            assert image.size == (int(row["Columns"]), int(row["Rows"]))
            assert TAG in image.info["comment"].decode()
        reports = drawn / "mimic-cxr" / "2.0.0" / "mimic-cxr-reports" / "files"
        assert "FINAL REPORT" in (reports / place / f"s{study}.txt").read_text()
    assert len(mimic["chexpert"]) == len({row["study_id"] for row in mimic["chexpert"]})
    assert {row["ViewPosition"] for row in mimic["metadata"]} > {"PA", "AP", "LATERAL"}
    assert list(mimic["split"][0]) == ["dicom_id", "study_id", "subject_id", "split"]


def test_mimic_patients_have_one_split_and_visits_in_order_of_time(
    mimic: dict[str, Table],
) -> None:
    splits: dict[str, set[str]] = {}
    for row in mimic["split"]:
        splits.setdefault(row["subject_id"], set()).add(row["split"])
    assert all(len(names) == 1 for names in splits.values())
    assert set.union(*splits.values()) == {"train", "validate", "test"}
    seed, visits = SMALL.seed, {}
    for case in allot(SMALL):
        if case.layout == "mimic":
            study = draw_study(seed, case.population, case.number, "real", case.profile)
            row = next(
                row for row in mimic["metadata"] if row["study_id"] == str(mimic_cxr.study_id(case))
            )
            visits.setdefault((case.population, study.patient.number), []).append(row)
    for rows in visits.values():
        assert len({row["subject_id"] for row in rows}) == 1
        dates = [int(row["StudyDate"]) for row in rows]
        assert dates == sorted(dates) and dates[0] > 21000000
    assert any(len(rows) > 1 for rows in visits.values())


def test_mimic_labels_are_what_the_report_mentions() -> None:
    mentions = {"Pneumonia": 0.0, "Consolidation": -1.0, "Effusion": 1.0, "Nodule": 0.0}
    values = dict(
        zip(mimic_cxr.CHEXPERT, mimic_cxr.chexpert_labels(Report("", mentions)), strict=True)
    )
    assert values["Lung Opacity"] == -1.0 and values["Pleural Effusion"] == 1.0
    assert values["Lung Lesion"] == 0.0 and values["No Finding"] is None
    assert values["Pneumonia"] == 0.0 and values["Support Devices"] is None
    clear = mimic_cxr.chexpert_labels(Report("", {"Pneumonia": 0.0}, devices=True))
    values = dict(zip(mimic_cxr.CHEXPERT, clear, strict=True))
    assert values["No Finding"] == 1.0 and values["Support Devices"] == 1.0
    assert values["Lung Opacity"] is None


def test_ms_cxr_csv_and_json_say_the_same(drawn: Path) -> None:
    folder = drawn / "ms-cxr" / "1.1.0"
    rows = table(folder / "MS_CXR_Local_Alignment_v1.1.0.csv")
    coco = json.loads((folder / "MS_CXR_Local_Alignment_v1.1.0.json").read_text())
    assert len(rows) == len(coco["annotations"]) > 10
    images = {item["id"]: item for item in coco["images"]}
    names = {item["id"]: item["name"] for item in coco["categories"]}
    assert len(names) == 8 and coco["info"]["version"] == "1.1.0"
    for row, note in zip(rows, coco["annotations"], strict=True):
        image = images[note["image_id"]]
        assert row["path"] == image["path"] and row["category_name"] == names[note["category_id"]]
        x, y, w, h = (int(row[key]) for key in "xywh")
        assert [x, y, w, h] == note["bbox"] and row["label_text"] == note["label_text"]
        width, height = int(row["image_width"]), int(row["image_height"])
        assert x >= 0 and y >= 0 and w > 0 and h > 0 and x + w <= width and y + h <= height
        with Image.open(drawn / "mimic-cxr-jpg" / "2.0.0" / row["path"]) as picture:
            assert picture.size == (width, height)
    paths = Counter(item["path"] for item in coco["images"])
    assert max(paths.values()) == 2, "some image records are doubled, as in the real file"
    assert sum(item["num_annotations"] for item in coco["images"]) == len(rows)
    pairs = Counter((row["dicom_id"], row["category_name"], row["label_text"]) for row in rows)
    assert max(pairs.values()) > 1, "some phrases have several boxes"
    splits: dict[str, set[str]] = {}
    for row in rows:
        splits.setdefault(row["path"].split("/")[2], set()).add(row["split"])
    assert all(len(names) == 1 for names in splits.values())
    assert set.union(*splits.values()) == {"train", "val", "test"}


def test_nih_files_have_the_official_forms(drawn: Path) -> None:
    folder = drawn / "nih-cxr14"
    lines = (folder / "Data_Entry_2017_v2020.csv").read_text().splitlines()
    assert lines[0].endswith("OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]")
    cells = [line.split(",") for line in lines[1:]]
    assert {len(row) for row in cells} == {11}
    files = sorted(path.name for path in (folder / "images").glob("*.png"))
    assert sorted(row[0] for row in cells) == files
    for row in cells:
        assert int(row[3]) == int(row[0][:8]) > 900_000
        assert set(row[1].split("|")) <= {*NIH_CLASSES, "No Finding"}
        assert row[5] in "MF" and row[6] in ("PA", "AP")
    keys = [(int(row[3]), int(row[2])) for row in cells]
    assert keys == sorted(keys)
    assert any(int(row[2]) != int(row[0][9:12]) for row in cells)
    for name in files[:10]:
        with Image.open(folder / "images" / name) as image:
            assert image.size == (64, 64) and TAG in image.text["Comment"]
    train = (folder / "train_val_list.txt").read_text().split("\n")
    test = (folder / "test_list.txt").read_text().split("\n")
    assert sorted(train + test) == files
    assert not {name[:8] for name in train} & {name[:8] for name in test}


def test_nih_boxes_are_in_the_1024_frame_and_on_labelled_test_images(drawn: Path) -> None:
    folder = drawn / "nih-cxr14"
    lines = (folder / "BBox_List_2017.csv").read_text().splitlines()
    assert lines[0] == "Image Index,Finding Label,Bbox [x,y,w,h],,,"
    rows = [line.split(",") for line in lines[1:]]
    assert len(rows) > 5 and {len(row) for row in rows} == {6}
    assert len({(row[0], row[1]) for row in rows}) == len(rows)
    entries = (folder / "Data_Entry_2017_v2020.csv").read_text().splitlines()[1:]
    labels = {line.split(",")[0]: line.split(",")[1].split("|") for line in entries}
    test = set((folder / "test_list.txt").read_text().split("\n"))
    assert max(float(row[4]) for row in rows) > 64
    for name, label, *numbers in rows:
        x, y, w, h = map(float, numbers)
        assert x >= 0 and y >= 0 and x + w <= 1024 and y + h <= 1024 and min(w, h) >= 16
        assert label.replace("Infiltrate", "Infiltration") in labels[name]
        assert name in test


def test_rsna_files_have_the_official_forms(drawn: Path) -> None:
    folder = drawn / "rsna-pneumonia-detection-challenge"
    rows = table(folder / "stage_2_train_labels.csv")
    details = table(folder / "stage_2_detailed_class_info.csv")
    train = {path.stem for path in (folder / "stage_2_train_images").iterdir()}
    test = {path.stem for path in (folder / "stage_2_test_images").iterdir()}
    assert {row["patientId"] for row in rows} == train
    assert {row["patientId"] for row in table(folder / "stage_2_sample_submission.csv")} == test
    assert all(UUID.fullmatch(name) for name in train | test) and not train & test
    assert [row["patientId"] for row in rows] == [row["patientId"] for row in details]
    for row, detail in zip(rows, details, strict=True):
        positive = row["Target"] == "1"
        assert positive == (detail["class"] == "Lung Opacity") == (row["x"] != "")
        if positive:
            x, y, w, h = (float(row[key]) for key in ("x", "y", "width", "height"))
            assert min(x, y) >= 0 and min(w, h) > 0 and x + w <= 64 and y + h <= 64
    assert {"Normal", "No Lung Opacity / Not Normal"} <= {row["class"] for row in details}


def test_dicom_files_decode_and_carry_the_tag(drawn: Path) -> None:
    folder = drawn / "rsna-pneumonia-detection-challenge" / "stage_2_train_images"
    for path in sorted(folder.iterdir())[:4]:
        data = pydicom.dcmread(path)
        assert data.pixel_array.shape == (64, 64) == (data.Rows, data.Columns)
        assert data.pixel_array.dtype == np.uint8 and data.pixel_array.std() > 10
        assert data.PhotometricInterpretation == "MONOCHROME2"
        assert data.PatientID == path.stem and re.fullmatch(r"\d+", data.PatientAge)
        assert TAG in data.ImageComments


def test_published_list_forms(drawn: Path) -> None:
    nih, rsna = (drawn / "splits_maco" / name for name in ("NIH_ChestX-ray", "RSNA_Pneumonia"))
    for name in ("train_list", "val_list", "test_list"):
        content = (nih / f"{name}.txt").read_bytes()
        lines = content.decode().split("\r\n")
        assert not content.endswith(b"\n")
        assert all(re.fullmatch(r"\d{8}_\d{3}\.png( [01]){14}", line) for line in lines)
    whole = [(nih / f"{name}_list.txt").read_text().split() for name in ("train", "val", "test")]
    people = [{word[:8] for word in words if word.endswith(".png")} for words in whole]
    assert not people[0] & people[1] and not people[1] & people[2] and not people[0] & people[2]
    text = (rsna / "test_list.txt").read_text()
    assert re.fullmatch(rf"(stage_2_test_images/{UUID.pattern}\.dcm [01] \n)+", text)
    train = (rsna / "train_list.txt").read_text().splitlines()
    ten, one = ((rsna / f"train_{n}.txt").read_text().splitlines() for n in (10, 1))
    assert set(one) <= set(ten) < set(train) and "stage_2_train_images/" in train[0]


def test_labels_and_boxes_follow_the_truth(drawn: Path) -> None:
    setting = Setting(drawn, SMALL.size, SMALL.seed, ReportDials())
    cases = [case for case in allot(SMALL) if case.layout != "mimic"]
    entries = (drawn / "nih-cxr14" / "Data_Entry_2017_v2020.csv").read_text().splitlines()[1:]
    labels = {line.split(",")[0]: line.split(",")[1] for line in entries}
    rows = table(drawn / "rsna-pneumonia-detection-challenge" / "stage_2_train_labels.csv")
    for case in cases:
        study = setting.study(case)
        if case.layout == "nih":
            true = [name for name in NIH_CLASSES if study.has(name)]
            assert labels[nih_cxr14.image_name(case, setting)] == ("|".join(true) or "No Finding")
        elif case.split != "test":
            name = rsna_pneumonia.patient_id(case, setting)
            given_rows = [row for row in rows if row["patientId"] == name]
            boxes = [
                tuple(int(float(row[key])) for key in ("x", "y", "width", "height"))
                for row in given_rows
                if row["Target"] == "1"
            ]
            drawing = setting.drawing(study, 0)
            masks = [
                drawing.masks[index]
                for index, finding in enumerate(study.findings)
                if finding.name in OPACITY_NAMES and is_visible(drawing, index)
            ]
            covered = np.zeros((SMALL.size, SMALL.size), dtype=bool)
            for x, y, w, h in boxes:
                covered[y : y + h, x : x + w] = True
            union = np.logical_or.reduce(masks) if masks else covered
            assert bool(boxes) == bool(masks) and covered[union].all()
            assert not boxes or mask_box(covered) == mask_box(union)


@given(hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=20)), st.data())
def test_mask_box_is_tight(mask: np.ndarray, data: st.DataObject) -> None:
    row = data.draw(st.integers(0, mask.shape[0] - 1))
    column = data.draw(st.integers(0, mask.shape[1] - 1))
    mask[row, column] = True
    x, y, w, h = mask_box(mask)
    inside = mask[y : y + h, x : x + w]
    assert inside.shape == (h, w) and inside.sum() == mask.sum()
    assert inside[0].any() and inside[-1].any() and inside[:, 0].any() and inside[:, -1].any()


def test_bilateral_findings_have_a_box_on_each_side() -> None:
    mask, lungs = np.zeros((40, 40), bool), np.zeros((2, 40, 40), bool)
    lungs[0, 5:35, 4:17], lungs[1, 5:35, 23:36] = True, True
    mask[10:20, 6:12], mask[12:30, 25:33] = True, True
    drawing = Drawing(np.zeros((40, 40), np.float32), {0: mask}, lungs)
    finding = Finding("Consolidation", "bilateral", "lower", 0.5, 5.0, 0)
    assert finding_boxes(drawing, 0, finding) == [(6, 10, 6, 10), (25, 12, 8, 18)]
    single = dataclasses.replace(finding, side="left")
    assert finding_boxes(drawing, 0, single) == [(6, 10, 27, 20)]
    empty = dataclasses.replace(drawing, masks={0: np.zeros_like(mask)})
    assert finding_boxes(empty, 0, finding) == []


def test_crop_moves_pixels_and_masks_alike() -> None:
    pixels = np.random.default_rng(0).random((100, 100)).astype(np.float32)
    drawing = Drawing(pixels, {0: pixels > 0.9}, np.stack([pixels > 0.5] * 2))
    shapes = set()
    for number in range(20):
        cut = mimic_cxr.crop(drawing, np.random.default_rng(number))
        shapes.add(cut.pixels.shape)
        assert np.array_equal(cut.pixels > 0.9, cut.masks[0])
        assert np.array_equal(cut.pixels > 0.5, cut.lungs[1])
        assert min(cut.pixels.shape) >= 92 and max(cut.pixels.shape) == 100
    assert len(shapes) > 4


def test_equalised_histogram_is_flat() -> None:
    image = np.random.default_rng(1).beta(2, 8, (200, 200))
    flat = equalised((image * 255).astype(np.uint8))
    counts, _ = np.histogram(flat, bins=8, range=(0, 256))
    assert flat.min() == 0 and flat.max() == 255
    assert counts.max() < 1.5 * counts.min()
    assert np.array_equal(equalised(np.full((4, 4), 7, np.uint8)), np.full((4, 4), 7, np.uint8))


@pytest.mark.parametrize("seed", [0, 1])
def test_enriched_tests_hold_forty_positives_a_class_at_two_thousand_cases(seed: int) -> None:
    numbers = choose_nih_test(seed, 240)
    drawn = [draw_study(seed, "nih_test", number, "enriched", "nih") for number in numbers]
    assert len(set(numbers)) == 240
    assert min(sum(study.has(name) for study in drawn) for name in NIH_CLASSES) >= 40
    assert sum(not study.findings for study in drawn) >= 40
    rsna = choose_rsna_test(seed, 90)
    positive = [
        any(
            draw_study(seed, "rsna_test", n, "enriched", "rsna").has(name) for name in OPACITY_NAMES
        )
        for n in rsna
    ]
    assert len(set(rsna)) == 90 and 40 <= sum(positive) <= 50


def test_label_noise_flips_labels_at_its_rate() -> None:
    kept = added = present = 0
    for number in range(400):
        study = draw_study(0, "noise", number, "enriched", "nih")
        labels = nih_cxr14.noisy_labels(study, 0.3, np.random.default_rng(number))
        true = {name for name in NIH_CLASSES if study.has(name)}
        present += len(true)
        kept += len(true & set(labels))
        added += len(set(labels) - true)
    assert abs(1 - kept / present - 0.3) < 0.06
    assert 0 < added < 0.05 * 400 * 14
