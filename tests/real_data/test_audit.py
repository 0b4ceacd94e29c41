"""The audit of the published lists at full scale, figure by figure, and the named splits."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmark.data.audit import audit
from benchmark.data.audit_places import Places
from benchmark.data.audit_report import AuditReport, SetAudit, Shared
from benchmark.data.audit_text import render
from benchmark.data.coco_lists import find_coco_lists
from benchmark.data.cutting import cut_by_count
from benchmark.data.list_facts import listed_images
from benchmark.data.manifest import Manifest
from benchmark.data.splits import split_rows

_VALUE = os.environ.get("MACO_BENCH_REAL_DATA", "")
pytestmark = pytest.mark.skipif(not _VALUE, reason="MACO_BENCH_REAL_DATA is not set")

TABLES = {
    "Data_Entry_2017_v2020.csv.gz": "nih-cxr14/Data_Entry_2017_v2020.csv.gz",
    "rsna_to_nih_map.csv.gz": "rsna-pneumonia-detection-challenge/rsna_to_nih_map.csv.gz",
    "rsna_stage_2_train_labels.csv.zip": (
        "rsna-pneumonia-detection-challenge/stage_2_train_labels.csv.zip"
    ),
    "siim-pneumothorax-train-rle.csv.gz": "siim-acr-pneumothorax/train-rle.csv.gz",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published lists and the label files under their official names, without an image."""
    real, folder = Path(_VALUE), tmp_path_factory.mktemp("tables")
    for name, place in TABLES.items():
        (folder / place).parent.mkdir(exist_ok=True)
        (folder / place).symlink_to((real / "annotations" / name).resolve())
    (folder / "splits_maco").symlink_to((real / "splits_maco").resolve())
    return folder


@pytest.fixture(scope="module")
def report(root: Path) -> AuditReport:
    started = time.process_time()
    found = audit(Places(root / "splits_maco", data_root=root))
    assert time.process_time() - started < 30, "the audit takes seconds"
    return found


def of(report: AuditReport, dataset: str, name: str = "maco_lists") -> SetAudit:
    return next(item for item in report.sets if (item.dataset, item.name) == (dataset, name))


def pair(item: SetAudit, first: str, second: str) -> Shared:
    return next(found for found in item.shared if (found.first, found.second) == (first, second))


def across(report: AuditReport, first: str, second: str) -> Shared:
    return next(found for found in report.across if (found.first, found.second) == (first, second))


def test_siim_lists_leak(report: AuditReport) -> None:
    item = of(report, "siim_acr")
    sizes = {part: item.parts[part].images for part in ("train", "validation", "test")}
    assert sizes == {"train": 7_969, "validation": 1_898, "test": 1_904}
    tested = pair(item, "train", "test")
    assert (tested.images, tested.of_images, tested.positive) == (494, 1_904, 494)
    assert item.test_also == {"train": 494, "validation_only": 124}
    chosen = pair(item, "train", "validation")
    assert (chosen.images, chosen.positive) == (478, 478)
    few = {part: pair(item, part, "test").images for part in ("train 1 %", "train 10 %")}
    assert few == {"train 1 %": 4, "train 10 %": 49}
    test = item.parts["test"]
    assert test.positive == 672 and test.labelled == 1_904
    assert f"{100 * (1 - 672 / 1_904):.1f}" == "64.7"


def test_chexpert_validation_patients_are_trained_on(report: AuditReport) -> None:
    item = of(report, "chexpert")
    found = pair(item, "train 10 %", "validation")
    assert (found.images, found.patients, found.of_patients) == (0, 1_837, 4_560)
    assert pair(item, "train 1 %", "validation").patients == 315
    assert not pair(item, "train 10 %", "test").leaks
    assert item.nested["train 1 % in train 10 %"] == (213, 2_184)
    assert "train" not in item.parts


def test_detection_test_images_are_in_the_classification_lists(report: AuditReport) -> None:
    second = "rsna_pneumonia maco_detection test"
    found = across(report, "rsna_pneumonia maco_lists train", second)
    assert (found.images, found.of_images) == (1_173, 1_218)
    assert (found.patients, found.of_patients) == (789, 791)
    assert across(report, "rsna_pneumonia maco_lists validation", second).images == 45
    assert of(report, "rsna_pneumonia", "maco_detection").parts["test"].positive == 1_218


def test_nih_lists_share_nothing(report: AuditReport) -> None:
    item = of(report, "nih_cxr14")
    assert not item.leaks and len(item.shared) == 7
    assert all((found.images, found.patients) == (0, 0) for found in item.shared)
    assert [item.parts[part].patients for part in ("train", "validation", "test")] == [
        21_528,
        3_090,
        6_187,
    ]
    assert item.nested["train 1 % in train 10 %"] == (77, 785)


def test_nih_labels_are_not_those_of_the_last_table(report: AuditReport) -> None:
    parts = of(report, "nih_cxr14").parts
    differing = {part: counts.differing for part, counts in parts.items()}
    assert differing == {
        "train 1 %": 0,
        "train 10 %": 17,
        "train": 127,
        "validation": 18,
        "test": 36,
    }
    assert parts["test"].differing_classes["Pneumonia"] == 18
    assert all(counts.differing == 0 for counts in of(report, "rsna_pneumonia").parts.values())


def test_rsna_test_images_lie_in_their_own_folder(report: AuditReport) -> None:
    item = of(report, "rsna_pneumonia")
    test = item.parts["test"]
    assert test.folders == {"stage_2_test_images": 3_000}
    assert (test.positive, test.in_table) == (1_094, 0)
    assert item.parts["train"].folders == {"stage_2_train_images": 25_184}
    assert item.nested["train 1 % in train 10 %"] == (26, 251)


def test_rsna_persons_stand_in_training_and_validation(report: AuditReport) -> None:
    found = pair(of(report, "rsna_pneumonia"), "train", "validation")
    assert (found.images, found.patients, found.of_patients) == (0, 883, 1_317)
    assert pair(of(report, "rsna_pneumonia"), "train", "test").patients is None


def test_rsna_images_lie_in_nih(report: AuditReport) -> None:
    found = across(report, "rsna_pneumonia maco_lists train", "nih_cxr14 maco_lists test")
    assert (found.images, found.patients) == (5_040, 2_233)
    back = across(report, "nih_cxr14 maco_lists train", "rsna_pneumonia maco_detection test")
    assert (back.images, back.comparable) == (888, 1_216)
    origin = next(entry for entry in report.provenance if entry.dataset == "rsna_pneumonia")
    assert origin.found["images"] == 26_586 == origin.found["images in the corpus on the disk"]
    assert origin.found["patients"] == 11_410
    by_construction = {entry.dataset for entry in report.provenance if not entry.counted}
    assert {"siim_acr", "ms_cxr"} <= by_construction


def test_the_text_names_the_figures(report: AuditReport) -> None:
    text = render(report)
    for figure in ("494 of 1,904", "124 more", "478 of 1,898", "1,837 of 4,560", "1,173 of 1,218"):
        assert figure in text


def test_detection_list_beside_the_data(root: Path) -> None:
    found = find_coco_lists(root, "rsna_", "Lung Opacity")["maco_detection"]
    assert found["split"].value_counts().to_dict() == {"test": 1_218}
    table = listed_images("rsna_pneumonia", [root / "rsna-pneumonia-detection-challenge"])
    assert table is not None
    labels = table.set_index("image")["Lung Opacity"]
    assert (labels[found["image"]] == 1).all()


def manifest_of(dataset: str, table: pd.DataFrame, classes: list[str]) -> Manifest:
    """Tables as a manifest whose images nobody opens."""
    images = table[["image", "patient", "split"]].assign(
        path=table["image"], study=table["image"], view="frontal", sex="", age=np.nan
    )
    return Manifest(dataset, "tables", Path(), images, table[classes].astype(float))


def counts(manifest: Manifest, split: str) -> list[int]:
    rows = split_rows(manifest, split)
    assert not rows.leaks
    return [len(rows.train), len(rows.validation), len(rows.test)]


def test_rsna_rules_give_the_printed_counts(root: Path) -> None:
    folder = root / "rsna-pneumonia-detection-challenge"
    table = listed_images("rsna_pneumonia", [folder])
    assert table is not None and len(table) == 26_684
    match = pd.read_csv(folder / "rsna_to_nih_map.csv.gz").query("mse < 10")
    person = dict(zip(match["patientId"], "nih:" + match["nih_image"].str[:8]))
    own = "rsna:" + table["image"]
    table["patient"] = table["image"].map(person).fillna(own)
    manifest = manifest_of("rsna_pneumonia", table, ["Lung Opacity"])
    assert counts(manifest, "mgca") == [16_010, 5_337, 5_337]
    assert counts(manifest, "gloria") == [18_678, 4_003, 4_003]


def test_nih_rule_gives_the_printed_counts(root: Path) -> None:
    """With patients drawn in place of the official test list, which is not among the files."""
    table = listed_images("nih_cxr14", [root / "nih-cxr14"])
    assert table is not None and table["patient"].nunique() == 30_805
    classes = [str(name) for name in table.columns[3:]]
    whole = manifest_of("nih_cxr14", table, classes)
    test = cut_by_count(whole, np.arange(len(table)), {"test": 25_596}, ("stand-in",))["test"]
    table["split"] = "train"
    table.loc[test, "split"] = "test"
    manifest = manifest_of("nih_cxr14", table, classes)
    assert counts(manifest, "kad") == [77_872, 8_652, 25_596]
    rows = split_rows(manifest, "kad")
    patients = manifest.images["patient"]
    by_patient = manifest.labels.groupby(patients).max()
    held_out = by_patient.loc[patients.iloc[rows.validation].unique()].mean()
    pool = by_patient.loc[patients.iloc[[*rows.train, *rows.validation]].unique()].mean()
    assert (held_out / pool).between(0.85, 1.15).all()
