from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmark.data.sources import covid_rural as reader
from benchmark.data.splits import split_rows
from benchmark.phantom.draw import draw_phantom
from benchmark.phantom.prevalence import OPACITY_NAMES
from benchmark.phantom.reports import ReportDials
from benchmark.phantom.version import PHANTOM_VERSION
from benchmark.phantom.writers import covid_rural as writer
from benchmark.phantom.writers.common import Setting
from benchmark.specs import PhantomSize

SMALL = PhantomSize(cases=160, size=64, seed=1)
NAME = re.compile(r"COVID-19-AR-99\d{6}_\d\d-\d\d-1911-XR|COVID-19-AR-99\d{6}_\d\d-\d\d-1912-XR")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phantoms") / "small"
    draw_phantom(folder, SMALL, ("covid_rural",), workers=1)
    return folder / writer.FOLDER


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_files_have_the_official_forms(root: Path) -> None:
    folder = root / "covid_rural_annot"
    masks = sorted((folder / "pngs_masks").glob("*.png"))
    pictures = sorted((folder / "jpgs").glob("*.jpg"))
    assert len(masks) == len(writer.cases(SMALL)) == 40
    unsegmented = {path.stem for path in pictures} - {path.stem for path in masks}
    assert len(unsegmented) == 2
    tag = f"phantom version {PHANTOM_VERSION} seed 1"
    for path in pictures:
        assert NAME.fullmatch(path.stem)
        with Image.open(path) as image:
            assert image.mode == "RGB" and tag in image.info["comment"].decode()
            assert np.ptp(np.asarray(image).astype(int), axis=2).max() <= 1
    values = set()
    for path in masks:
        with Image.open(path) as image:
            assert image.mode == "L" and tag in image.text["Comment"]
            values |= set(np.unique(np.asarray(image)).tolist())
    assert values == {0, 1}


def test_tables_and_outlines(root: Path) -> None:
    folder = root / "covid_rural_annot"
    people = table(folder / "covid_rural_patient_info.csv")
    names = [row["PATIENT_ID"] for row in people]
    assert names == sorted(set(names)) and {row["RACE"] for row in people} == {"NULL"}
    notes = table(folder / "covid_rural_radiologist_notes.csv")
    kinds = {row["Image Study Description"].split()[0] for row in notes}
    assert kinds == {"XR", "CT"} and {row["patient_id"] for row in notes} == set(names)
    labels: list[str] = []
    for path in (folder / "jpgs" / "jsons").glob("*.json"):
        content = json.loads(path.read_text())
        labels += [item["label"] for item in content["shapes"]]
        for item in content["shapes"]:
            assert np.min(item["points"]) >= 0 and np.max(item["points"]) < 64
    assert set(labels) == {"right_lung", "left_lung", "groud_glass_opacity"}
    assert labels.count("right_lung") == 40


def test_the_reader_gives_what_was_drawn(root: Path) -> None:
    setting = Setting(root.parent, SMALL.size, SMALL.seed, ReportDials())
    manifest = reader.read(root)
    assert len(manifest) == 40 and not manifest.partial
    labels = dict(zip(manifest.images["image"], manifest.labels["Opacity"]))
    ages = dict(zip(manifest.images["image"], manifest.images["age"]))
    for case in writer.cases(SMALL):
        study, name = writer.study_of(case, setting), writer.stem(case, setting)
        drawing = setting.drawing(study, 0)
        wanted = np.zeros((64, 64), bool)
        for index, finding in enumerate(study.findings):
            if finding.name in OPACITY_NAMES:
                wanted |= drawing.masks[index]
        assert np.array_equal(manifest.masks[name].pixels(), wanted)
        assert labels[name] == float(wanted.any())
        assert ages[name] == study.patient.age


def test_masks_cover_some_of_the_lungs_and_some_are_empty(root: Path) -> None:
    manifest = reader.read(root)
    shares = np.array([mask.pixels().mean() for mask in manifest.masks.values()])
    assert 3 <= np.sum(shares == 0) <= 10
    assert 0.03 <= shares[shares > 0].mean() <= 0.15
    for name in ("clean", "lovt"):
        rows = split_rows(manifest, name)
        for part in (rows.train, rows.validation, rows.test):
            assert len(part) >= 2 and manifest.labels["Opacity"].iloc[part].max() == 1
        assert not rows.leaks


def test_an_outline_goes_around() -> None:
    inside = np.zeros((6, 8), bool)
    inside[2, 3:5] = inside[3, 1:7] = True
    assert writer.outline(inside) == [[3.0, 2.0], [1.0, 3.0], [6.0, 3.0], [4.0, 2.0]]
    assert writer.outline(np.zeros((4, 4), bool)) == []
