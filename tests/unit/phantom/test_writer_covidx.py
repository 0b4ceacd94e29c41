from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmark.data.sources import covidx as reader
from benchmark.data.splits import split_rows
from benchmark.phantom.draw import draw_phantom
from benchmark.phantom.reports import ReportDials
from benchmark.phantom.version import PHANTOM_VERSION
from benchmark.phantom.writers import covidx as writer
from benchmark.phantom.writers.common import Setting
from benchmark.specs import PhantomSize

SMALL = PhantomSize(cases=160, size=64, seed=1)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phantoms") / "small"
    draw_phantom(folder, SMALL, ("covidx",), workers=1)
    return folder / writer.FOLDER


def test_lists_have_the_official_forms(root: Path) -> None:
    lists = root.parent / "splits_maco" / "COVIDx"
    three = {split: (lists / f"{split}_COVIDx9A.txt").read_text() for split in writer.SPLITS}
    two = {split: (root / f"{split}.txt").read_text() for split in writer.SPLITS}
    fields = {len(line.split()) for text in three.values() for line in text.splitlines()}
    assert fields == {3, 4, 5}
    words = " ".join(three.values()).split()
    assert {"rsna", "rnsa", "cohen", "normal", "pneumonia", "COVID-19"} <= set(words)
    for split, text in two.items():
        lines = text.splitlines()
        assert {line.rsplit(" ", 2)[1] for line in lines} == {"positive", "negative"}
        assert len(lines) == len(three[split].splitlines())
        files = {path.name for path in (root / split).iterdir()}
        assert {line.rsplit(" ", 3)[1] for line in lines} == files


def test_pictures_are_tagged(root: Path) -> None:
    tag, endings = f"phantom version {PHANTOM_VERSION} seed 1", set()
    for path in [*(root / "train").iterdir(), *(root / "test").iterdir()]:
        endings.add(path.suffix)
        with Image.open(path) as image:
            text = image.info["Comment" if image.format == "PNG" else "comment"]
            assert tag in (text if isinstance(text, str) else text.decode())
    assert {".png", ".jpg", ".PNG"} <= endings


def test_the_reader_gives_the_causes_that_were_drawn(root: Path) -> None:
    setting = Setting(root.parent, SMALL.size, SMALL.seed, ReportDials())
    manifest, pages = reader.read(root), reader.read(root, version="page")
    assert manifest.release == "lists 9A" and manifest.classes == reader.THREE_CLASSES
    assert pages.classes == reader.TWO_CLASSES
    cases = writer.cases(SMALL)
    assert len(manifest) == len(pages) == len(cases) == 80
    where = {name: row for row, name in enumerate(manifest.images["image"])}
    where_page = {name: row for row, name in enumerate(pages.images["image"])}
    for case in cases:
        kind = writer.CLASSES[writer.cause_of(case, setting)]
        image = f"{case.split}/{writer.names(case, setting, kind)[1]}"
        assert manifest.labels.iloc[where[image]].idxmax() == kind
        assert manifest.images["split"].iloc[where[image]] == case.split
        two = pages.labels.iloc[where_page[image]].idxmax()
        assert two == ("COVID-19" if kind == "COVID-19" else "negative")
    patients = set(manifest.images["patient"])
    assert {name.split(":")[0] for name in patients} == {"covidx", "rsna", "idc"}
    assert len(patients) < 80, "some patients have several images"


@pytest.mark.parametrize("split", ["official", "g2d", "mgca_lists", "clean"])
def test_every_part_of_every_split_holds_every_class(root: Path, split: str) -> None:
    manifest = reader.read(root)
    rows = split_rows(manifest, split)
    for part in (rows.train, rows.validation, rows.test):
        present = manifest.labels.iloc[part].sum()
        assert (present > 0).all(), split
    if split != "mgca_lists":
        assert not rows.leaks


def test_label_noise_changes_classes(tmp_path: Path) -> None:
    folder, dials = tmp_path / "noisy", ReportDials(label_noise=0.6)
    draw_phantom(folder, SMALL, ("covidx",), workers=1, dials=dials)
    setting = Setting(folder, SMALL.size, SMALL.seed, dials)
    manifest = reader.read(folder / writer.FOLDER)
    kinds = dict(zip(manifest.images["image"], manifest.labels.idxmax(axis=1)))
    wrong = []
    for case in writer.cases(SMALL):
        kind = writer.CLASSES[writer.cause_of(case, setting)]
        wrong.append(kinds[f"{case.split}/{writer.names(case, setting, kind)[1]}"] != kind)
    assert 0.15 <= np.mean(wrong) <= 0.55
