"""Open-i: what the reader gets back is what was drawn and told."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmark.data.corpus import read_corpus
from benchmark.data.manifest import Manifest
from benchmark.data.report_text import sections
from benchmark.data.sources import open_i as reader
from benchmark.phantom.draw import draw_phantom
from benchmark.phantom.population import draw_study, patient_of
from benchmark.phantom.report_sections import EMPTY, SECTIONS, compose_sections
from benchmark.phantom.reports import ReportDials
from benchmark.phantom.truth import Finding
from benchmark.phantom.writers import open_i as writer
from benchmark.phantom.writers.common import Setting
from benchmark.phantom.writers.images import to_bytes
from benchmark.recipes import PretrainRecipe
from benchmark.specs import PhantomSize

SIZE = PhantomSize(cases=600, size=64, seed=2)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phantoms") / "reports"
    draw_phantom(folder, SIZE, ["open_i"], workers=1)
    return folder / writer.FOLDER


@pytest.fixture(scope="module")
def manifest(root: Path) -> Manifest:
    return reader.read(root)


def setting() -> Setting:
    return Setting(Path(), SIZE.size, SIZE.seed, ReportDials())


def test_every_report_comes_back_section_by_section(manifest: Manifest) -> None:
    cases = writer.cases(SIZE)
    assert len(manifest.reports) == len(cases) == 120
    for case in cases:
        study = setting().study(case)
        random = setting().generator(case, "report")
        told, _ = compose_sections(study, setting().dials, random)
        found = sections(manifest.reports[f"CXR{writer.report_number(case)}"])
        flat = {name.lower(): " ".join(text.split()) for name, text in told.items()}
        assert found == {name: text for name, text in flat.items() if text}


def test_labels_are_the_findings_that_the_report_affirms(manifest: Manifest) -> None:
    indexed = 0
    for case in writer.cases(SIZE):
        rows = np.flatnonzero(manifest.images["study"] == f"CXR{writer.report_number(case)}")
        study = setting().study(case)
        _, told = compose_sections(study, setting().dials, setting().generator(case, "report"))
        affirmed = {name for name, said in told.mentions.items() if said == 1.0}
        for row in rows:
            labels = manifest.labels.iloc[row]
            if labels.isna().all():
                continue
            indexed += 1
            assert {name for name in reader.CLASSES if labels[name] == 1.0} == affirmed & set(
                reader.CLASSES
            )
    assert indexed > 0.9 * len(manifest)


def test_views_and_pixels_are_those_of_the_study(manifest: Manifest) -> None:
    cases = {f"CXR{writer.report_number(case)}": case for case in writer.cases(SIZE)}
    assert set(manifest.images["view"]) == {"frontal", "lateral"}
    for study_name, rows in list(manifest.images.groupby("study", sort=False))[:12]:
        study = setting().study(cases[study_name])
        expected = ["lateral" if view.name == "LATERAL" else "frontal" for view in study.views]
        assert rows["view"].tolist() == expected
        for index, path in enumerate(rows["path"]):
            with Image.open(manifest.root / path) as picture:
                assert picture.mode == "RGB" and "maco-bench phantom" in picture.text["Comment"]
                pixels = np.asarray(picture)
            whole = to_bytes(setting().drawing(study, index).pixels)
            cut = [(whole.shape[axis] - pixels.shape[axis]) // 2 for axis in (0, 1)]
            inner = whole[cut[0] : cut[0] + len(pixels), cut[1] : cut[1] + pixels.shape[1]]
            for channel in range(3):
                assert np.array_equal(pixels[..., channel], inner)


def test_a_report_is_a_patient_and_numbers_are_outside_the_real_ones(manifest: Manifest) -> None:
    cases = writer.cases(SIZE)
    people = {patient_of(case.number, SIZE.seed, "open_i") for case in cases}
    assert len(people) == len(cases) and {visit for _, visit in people} == {0}
    assert {case.population for case in cases} == {"open_i"}
    assert all(re.fullmatch(r"CXR90\d{4}", name) for name in manifest.reports)
    assert manifest.images["patient"].nunique() < len(cases), "some reports have no image"


def test_awkward_forms_are_there(root: Path, manifest: Manifest) -> None:
    names = manifest.images["image"]
    assert names.str.fullmatch(r"CXR\d+_IM-\d{4}-\d{4}-\d{4}").any(), "ids with a further group"
    texts = [path.read_text(encoding="utf-8") for path in root.glob("ecgen-radiology/*.xml")]
    assert any("No Indexing" in text for text in texts)
    assert any('<AbstractText Label="FINDINGS"/>' in text for text in texts)
    assert all(len(re.findall("<AbstractText", text)) == 4 for text in texts)
    assert not any("___" in text for text in texts)
    table = (root / "indiana_projections.csv").read_text().splitlines()
    assert table[0] == "uid,filename,projection" and len(table) == len(manifest) + 1
    assert re.fullmatch(r"90\d{4},90\d{4}_IM-[\d-]+\.dcm\.png,Frontal", table[1])


def test_it_is_a_corpus_of_frontal_views(manifest: Manifest) -> None:
    corpus = read_corpus(manifest, PretrainRecipe(source="test"))
    assert set(manifest.images["view"].iloc[corpus.rows]) == {"frontal"}
    assert len(corpus) > 100 and corpus.views["lateral"] > 20
    assert len(set(corpus.texts)) > 0.8 * len(corpus), "distinct reports"


def test_empty_sections_are_as_frequent_as_stated() -> None:
    counts = dict.fromkeys(SECTIONS, 0)
    for number in range(600):
        study = draw_study(0, "open_i", number, "real", "mimic")
        texts, told = compose_sections(study, ReportDials(), np.random.default_rng(number))
        assert texts["FINDINGS"] or texts["IMPRESSION"]
        kept = " ".join(texts[name] for name in ("FINDINGS", "IMPRESSION")).replace("XXXX", "___")
        if texts["IMPRESSION"]:
            assert all(sentence in kept for sentence in told.findings)
        for name in SECTIONS:
            counts[name] += not texts[name]
    for name, share in EMPTY.items():
        assert abs(counts[name] / 600 - share) < 0.045


def test_headings_name_place_side_and_degree() -> None:
    finding = Finding("Effusion", "left", "basal", 0.2, 3.0, 0)
    assert writer.qualifiers(finding) == ["base", "left", "mild"]
    heart = Finding("Cardiomegaly", "midline", "central", 0.9, 3.0, 0)
    assert writer.qualifiers(heart) == ["severe"] and writer.qualifiers(None) == []
    for name, heading in writer.HEADINGS.items():
        assert reader.classes_of([f"{heading}/left"]) == ({name} & set(reader.CLASSES))
