from __future__ import annotations

import gzip
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmark.data.sources import mimic_cxr
from benchmark.errors import BadDataError, MissingDataError

Write = Callable[[Path, str], Path]
A, B, C = (f"{letter * 8}-11111111-22222222-33333333-44444444" for letter in "abc")
COLUMNS = "dicom_id,subject_id,study_id,PerformedProcedureStepDescription,ViewPosition,Rows"
METADATA = f"""{COLUMNS},Columns
{A},10999901,50999911,CHEST (PA AND LAT),PA,12,10
{B},10999901,50999911,CHEST (PA AND LAT),LL,12,10
{C},10999902,50999922,CHEST (PORTABLE AP),,12,10
"""
SPLIT = f"""dicom_id,study_id,subject_id,split
{C},50999922,10999902,validate
{A},50999911,10999901,train
{B},50999911,10999901,train
"""
LABELS = (
    "subject_id,study_id," + ",".join(reversed(mimic_cxr.CLASSES)) + "\n"
    "10999901,50999911,1.0" + "," * 12 + ",-1.0\n"
    "10999903,50999933" + "," * 14 + "\n"
)
REPORT = "FINAL REPORT\n FINDINGS: \n \n Clear.\n"
PATHS = {
    A: f"files/p10/p10999901/s50999911/{A}.jpg",
    B: f"files/p10/p10999901/s50999911/{B}.jpg",
    C: f"files/p10/p10999902/s50999922/{C}.jpg",
}


@pytest.fixture
def root(tmp_path: Path, write_picture: Callable[..., Path], write_text: Write) -> Path:
    folder = tmp_path / "mimic-cxr-jpg" / "2.0.0"
    for path in PATHS.values():
        write_picture(folder / path)
    write_text(folder / "mimic-cxr-2.0.0-metadata.csv", METADATA)
    with gzip.open(folder / "mimic-cxr-2.0.0-split.csv.gz", "wt") as file:
        file.write(SPLIT)
    write_text(folder / "mimic-cxr-2.0.0-chexpert.csv", LABELS)
    return folder


def test_images_joined_by_name_not_by_order(root: Path) -> None:
    manifest = mimic_cxr.read(root)
    table = manifest.images.set_index("image")
    assert table["split"].to_dict() == {A: "train", B: "train", C: "validation"}
    assert table["view"].to_dict() == {A: "frontal", B: "lateral", C: "unknown"}
    assert table["path"].to_dict() == PATHS
    assert table["patient"].to_dict()[C] == "mimic:10999902"
    assert table["study"].to_dict()[B] == "50999911"
    assert manifest.label_files == (
        "mimic-cxr-2.0.0-metadata.csv",
        "mimic-cxr-2.0.0-split.csv.gz",
        "mimic-cxr-2.0.0-chexpert.csv",
    )
    assert manifest.release == "2.0.0, no reports found"
    assert not manifest.redistributable and manifest.phantom is None


def test_labels_are_of_the_study(root: Path) -> None:
    labels = mimic_cxr.read(root).labels
    assert tuple(labels.columns) == mimic_cxr.CLASSES
    assert labels["Support Devices"].tolist()[:2] == [1.0, 1.0]
    assert labels["Atelectasis"].tolist()[:2] == [-1.0, -1.0]
    assert np.isnan(labels["Edema"]).all()
    assert np.isnan(labels.iloc[2]).all()


@pytest.mark.parametrize(
    "place",
    [
        "mimic-cxr/2.0.0/mimic-cxr-reports/files",
        "mimic-cxr-reports/files",
        "mimic-cxr-jpg/2.0.0/files",
        "mimic-cxr-jpg/mimic-cxr-reports/files",
    ],
)
def test_reports_wherever_they_lie(
    root: Path, tmp_path: Path, write_text: Write, place: str
) -> None:
    write_text(tmp_path / place / "p10/p10999901/s50999911.txt", REPORT)
    manifest = mimic_cxr.read(tmp_path / "mimic-cxr-jpg")
    assert list(manifest.reports) == ["50999911", "50999922"]
    assert manifest.reports["50999911"] == REPORT
    assert manifest.reports["50999922"] == ""
    assert "1" not in manifest.reports
    assert manifest.release == "2.0.0"


def test_reports_straight_from_the_zip(root: Path, tmp_path: Path) -> None:
    path = tmp_path / "mimic-cxr" / "2.0.0" / "mimic-cxr-reports.zip"
    path.parent.mkdir(parents=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("files/p10/p10999902/s50999922.txt", REPORT)
    reports = pickle.loads(pickle.dumps(mimic_cxr.read(root).reports))
    assert reports["50999922"] == REPORT
    assert reports["50999911"] == ""
    assert len(reports) == 2


def test_absent_images(root: Path) -> None:
    (root / PATHS[B]).unlink()
    with pytest.raises(MissingDataError) as caught:
        mimic_cxr.read(root)
    for part in ("1 of 3", B, str(root), "--allow-partial"):
        assert part in str(caught.value)
    manifest = mimic_cxr.read(root, allow_partial=True)
    assert (len(manifest), manifest.partial, manifest.missing) == (2, 1, (B,))


def test_phantom_mark_above(root: Path, tmp_path: Path, write_text: Write) -> None:
    write_text(tmp_path / "PHANTOM.json", json.dumps({"version": 3}))
    manifest = mimic_cxr.read(root)
    assert manifest.phantom == {"version": 3}
    assert manifest.label_files[-1] == "../../PHANTOM.json"


def test_wrong_tables(root: Path, tmp_path: Path, write_text: Write) -> None:
    with pytest.raises(MissingDataError, match="metadata"):
        mimic_cxr.read(tmp_path)
    write_text(root / "mimic-cxr-2.0.0-metadata.csv", "dicom_id,x\n1,2\n")
    with pytest.raises(BadDataError, match="subject_id"):
        mimic_cxr.read(root)
