from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmark.data.sources import covid_idc as reader
from benchmark.data.splits import split_rows
from benchmark.phantom.draw import draw_phantom
from benchmark.phantom.reports import ReportDials
from benchmark.phantom.version import PHANTOM_VERSION
from benchmark.phantom.writers import covid_idc as writer
from benchmark.phantom.writers.common import Setting
from benchmark.specs import PhantomSize

SMALL = PhantomSize(cases=160, size=64, seed=1)
NAN = float("nan")
LABELS = {
    "covid": (1.0, 1.0),
    "viral": (0.0, 1.0),
    "bacterial": (0.0, 0.0),
    "other": (0.0, NAN),
    "none": (NAN, NAN),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phantoms") / "small"
    draw_phantom(folder, SMALL, ("covid_idc",), workers=1)
    return folder / writer.FOLDER


def rows_of(root: Path) -> list[list[str]]:
    with (root / "metadata.csv").open(newline="") as stream:
        return list(csv.reader(stream))


def test_the_table_has_the_form_of_june_2020(root: Path) -> None:
    header, *rows = rows_of(root)
    assert len(header) == 29 and header[-1] == "" and {len(row) for row in rows} == {29}
    cells = [dict(zip(header, row)) for row in rows]
    assert {row["modality"] for row in cells} == {"X-ray", "CT"}
    assert {row["view"] for row in cells} == {"PA", "AP", "AP Supine", "Axial"}
    twice = [name for name, count in Counter(r["filename"] for r in cells).items() if count > 1]
    assert len(twice) == 1
    findings = {row["finding"] for row in cells}
    assert {"COVID-19, ARDS", "No Finding", "Mycoplasma Bacterial Pneumonia"} <= findings
    assert all(int(row["patientid"]) > 90_000 for row in cells)


def test_pictures_have_several_forms_and_shared_stems(root: Path) -> None:
    modes, tag = set(), f"phantom version {PHANTOM_VERSION} seed 1"
    paths = sorted((root / "images").iterdir())
    for path in paths:
        with Image.open(path) as image:
            modes.add((image.format, image.mode))
            text = (
                image.text["Comment"] if path.suffix == ".png" else image.info["comment"].decode()
            )
            assert tag in text
    assert modes == {("JPEG", "L"), ("JPEG", "RGB"), ("PNG", "L"), ("PNG", "RGBA")}
    assert len({path.stem for path in paths}) < len(paths)


def test_the_reader_gives_the_causes_that_were_drawn(root: Path) -> None:
    setting = Setting(root.parent, SMALL.size, SMALL.seed, ReportDials())
    manifest = reader.read(root)
    cases = writer.cases(SMALL)
    assert len(manifest) == len(cases) == 80
    by_name = manifest.images.set_index("image")
    values = dict(zip(manifest.images["image"], manifest.labels.to_numpy()))
    for case in cases:
        name = writer.file_name(case, setting)
        supine = by_name.loc[name, "projection"] == "AP Supine"
        wanted = (NAN, NAN) if supine else LABELS[writer.cause_of(case, setting)]
        assert np.array_equal(values[name], wanted, equal_nan=True)


def test_lists_of_mrm_agree_with_the_table_and_hold_every_class(root: Path) -> None:
    manifest = reader.read(root)
    assert sorted(manifest.lists) == ["mrm_covid1", "mrm_viral1"]
    for name, column in (("mrm_covid1", "COVID-19"), ("mrm_viral1", "Viral")):
        rows = split_rows(manifest, name)
        assert rows.labels is not None and rows.labels[column].equals(manifest.labels[column])
        for part in (rows.train, rows.validation, rows.test):
            assert set(manifest.labels[column].iloc[part]) == {0.0, 1.0}
        assert not rows.leaks
        listed = sum(map(len, (rows.train, rows.validation, rows.test)))
        assert listed == manifest.labels[column].notna().sum()


@pytest.mark.parametrize("split", ["clean", "mrm_covid", "mrm_viral"])
def test_splits_by_patient_hold_every_class(root: Path, split: str) -> None:
    manifest = reader.read(root)
    rows = split_rows(manifest, split)
    columns = {"mrm_covid": reader.CLASSES[:1], "mrm_viral": reader.CLASSES[1:]}
    for part in (rows.train, rows.validation, rows.test):
        for column in columns.get(split, reader.CLASSES):
            assert {0.0, 1.0} <= set(manifest.labels[column].iloc[part])
    assert not rows.leaks


def test_label_noise_changes_findings(tmp_path: Path) -> None:
    folder = tmp_path / "noisy"
    draw_phantom(folder, SMALL, ("covid_idc",), workers=1, dials=ReportDials(label_noise=0.5))
    manifest = reader.read(folder / writer.FOLDER)
    setting = Setting(folder, SMALL.size, SMALL.seed, ReportDials(label_noise=0.5))
    wrong = 0
    for case in writer.cases(SMALL):
        row = manifest.images["image"].tolist().index(writer.file_name(case, setting))
        finding = manifest.images["finding"].iloc[row]
        wrong += finding not in writer.FINDINGS[writer.cause_of(case, setting)]
    assert 15 <= wrong <= 45
