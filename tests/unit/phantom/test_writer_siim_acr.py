from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from benchmark.data.sources import siim_acr as reader
from benchmark.data.splits import split_rows
from benchmark.phantom.draw import draw_phantom
from benchmark.phantom.reports import ReportDials
from benchmark.phantom.version import PHANTOM_VERSION
from benchmark.phantom.writers import siim_acr as writer
from benchmark.phantom.writers.common import Setting
from benchmark.specs import PhantomSize

SMALL = PhantomSize(cases=160, size=64, seed=0, prevalence="enriched")
UID = re.compile(r"1\.2\.276\.0\.7230010\.3\.1\.4\.8323329\.\d+\.95178\d{5}\.\d+")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phantoms") / "small"
    draw_phantom(folder, SMALL, ("siim_acr",), workers=1)
    return folder / writer.FOLDER


def runs_by_image(root: Path) -> dict[str, list[str]]:
    lines = (root / "train-rle.csv").read_text().splitlines()
    assert lines[0] == "ImageId, EncodedPixels"
    runs: dict[str, list[str]] = {}
    for line in lines[1:]:
        image, _, text = line.partition(",")
        assert text.startswith(" "), "the blank that comes with stage 1"
        runs.setdefault(image, []).append(text[1:])
    return runs


def drawn_mask(texts: list[str]) -> np.ndarray:
    """The layout's own recipe: offsets from the end of the last run, down the columns."""
    mask = np.zeros((1024, 1024), bool)
    for text in texts:
        if text == "-1":
            continue
        flat, position = np.zeros(1024 * 1024, bool), 0
        numbers = [int(word) for word in text.split()]
        for offset, length in zip(numbers[::2], numbers[1::2], strict=True):
            position += offset
            flat[position : position + length] = True
            position += length
        mask |= flat.reshape(1024, 1024).T
    return mask


def test_folders_nest_three_ids(root: Path) -> None:
    files = sorted(root.rglob("*.dcm"))
    assert len(files) == 60 and len({path.stem for path in files}) == 60
    people = set()
    for path in files:
        assert len(path.relative_to(root).parts) == 4
        data = pydicom.dcmread(path)
        levels = [str(data.StudyInstanceUID), str(data.SeriesInstanceUID), str(data.SOPInstanceUID)]
        assert [*path.parts[-3:-1], path.stem] == levels and len(set(levels)) == 3
        assert UID.fullmatch(path.stem) and levels[0].startswith("1.2.276.0.7230010.3.1.2.")
        assert data.file_meta.MediaStorageSOPInstanceUID == path.stem
        assert data.PatientID.startswith("ffffffff-") and re.fullmatch(r"\d+", data.PatientAge)
        assert f"phantom version {PHANTOM_VERSION} seed 0" in data.ImageComments
        assert data.pixel_array.shape == (64, 64) and data.pixel_array.std() > 10
        people.add(data.PatientID)
    assert len(people) == 60
    stages = {path.relative_to(root).parts[0] for path in files}
    assert stages == {"dicom-images-train", "dicom-images-test"}


def test_masks_are_those_of_the_drawing(root: Path) -> None:
    runs = runs_by_image(root)
    manifest = reader.read(root)
    setting = Setting(root.parent, SMALL.size, SMALL.seed, ReportDials())
    several = 0
    for case in writer.cases(SMALL):
        image = writer.uids(case, setting)[0]
        study = setting.study(case)
        drawing = setting.drawing(study, 0)
        truth = np.zeros((64, 64), bool)
        for index, finding in enumerate(study.findings):
            if finding.name == "Pneumothorax":
                truth |= drawing.masks[index]
        truth &= truth.sum() >= 4
        wanted = np.kron(truth, np.ones((16, 16), bool))
        assert np.array_equal(drawn_mask(runs[image]), wanted)
        assert np.array_equal(manifest.masks[image].pixels(), wanted)
        row = manifest.images["image"].tolist().index(image)
        assert manifest.labels["Pneumothorax"][row] == float(truth.any())
        assert manifest.images["sex"][row] == study.patient.sex
        assert manifest.images["age"][row] == study.patient.age
        several += len(runs[image]) > 1
    assert several >= 2, "some masks come in several rows"
    assert set(manifest.masks) == set(runs)


def test_two_fifths_are_positive_in_every_part(root: Path) -> None:
    manifest = reader.read(root)
    labels = manifest.labels["Pneumothorax"].to_numpy()
    assert manifest.images["split"].value_counts().to_dict() == {"train": 45, "test": 15}
    for split in ("official", "maco_lists"):
        rows = split_rows(manifest, split)
        assert all(rows.overlaps[pair]["patients"] == 0 for pair in rows.overlaps if "-" in pair)
        for part in (rows.train, rows.validation, rows.test):
            assert 0.25 <= labels[part].mean() <= 0.55
    size = PhantomSize(cases=8_000, size=64, seed=1, prevalence="enriched")
    cases = writer.cases(size)
    assert len(cases) == 800
    setting = Setting(root.parent, 64, 1, ReportDials())
    has = [setting.study(case).has("Pneumothorax") for case in cases]
    assert sum(has) == math.ceil(600 * 0.4) + math.ceil(200 * 0.4)


def test_lists_have_the_published_form(root: Path) -> None:
    folder = root.parent / "splits_maco" / "SIIM-ACR_Pneumothorax"
    lists = {path.stem: path.read_text() for path in folder.iterdir()}
    assert set(lists) == {"train_1", "train_10", "train_list", "val_list", "test_list"}
    assert all(re.fullmatch(rf"({UID.pattern}\n)+", text) for text in lists.values())
    ids = {name: set(text.split()) for name, text in lists.items()}
    whole = [ids[f"{name}_list"] for name in ("train", "val", "test")]
    assert sum(map(len, whole)) == len(set.union(*whole)) == len(runs_by_image(root))
    assert ids["train_1"] <= ids["train_10"] < ids["train_list"]
    assert ids["test_list"] == {path.stem for path in (root / "dicom-images-test").rglob("*.dcm")}


def test_unlabelled_images_have_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    setting = Setting(tmp_path, SMALL.size, SMALL.seed, ReportDials())
    cases = writer.cases(SMALL)
    train = next(case for case in cases if case.split == "train")
    test = next(case for case in cases if case.split == "test")
    monkeypatch.setattr(writer, "UNLABELLED_RATE", 1.0)
    left_out, kept = (writer.write_case(case, setting) for case in (train, test))
    assert len(left_out.digests) == 1 and not left_out.rows
    assert len(kept.rows["siim"]) >= 1
    left_out.merge(kept)
    writer.write_tables(left_out, setting)
    manifest = reader.read(tmp_path / writer.FOLDER)
    assert manifest.images["image"].tolist() == [writer.uids(test, setting)[0]]
    assert manifest.release == "stage 1, 1 without a row left out"


@settings(max_examples=50)
@given(hnp.arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12))))
def test_overlapping_halves_make_the_whole(mask: np.ndarray) -> None:
    parts = writer.overlapping_halves(mask)
    assert 1 <= len(parts) <= 2
    assert np.array_equal(np.logical_or.reduce(parts), mask)
    assert all(part.any() for part in parts) or not mask.any()


def test_tall_masks_overlap_in_the_middle() -> None:
    mask = np.zeros((60, 20), bool)
    mask[10:50, 3:9] = True
    upper, lower = writer.overlapping_halves(mask)
    assert (upper & lower).sum() == 4 * 6 and upper[10].any() and lower[49].any()
    assert not upper[49].any() and not lower[10].any()
