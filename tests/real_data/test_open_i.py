"""Open-i whole: all 3,955 real reports, and the few real images that are there."""

from __future__ import annotations

import tarfile
from collections import Counter
from pathlib import Path

import pytest

from benchmark.data.corpus import read_corpus
from benchmark.data.doctor import examine
from benchmark.data.images import read_grey
from benchmark.data.manifest import Manifest
from benchmark.data.report_text import full_text, sections
from benchmark.data.sources import open_i
from benchmark.data.sources._open_i_reports import SECTIONS, Citation, read_citations
from benchmark.recipes import PretrainRecipe

RECIPE = PretrainRecipe(source="test")


@pytest.fixture(scope="module")
def root(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The official archive as it is, and the images in a folder."""
    folder = tmp_path_factory.mktemp("open-i")
    source = real_data / "openi_iu_xray"
    (folder / "NLMCXR_reports.tgz").symlink_to(source / "NLMCXR_reports.tgz")
    (folder / "NLMCXR_png").symlink_to(source / "images")
    return folder


@pytest.fixture(scope="module")
def citations(root: Path) -> list[Citation]:
    return read_citations(root)[0]


@pytest.fixture(scope="module")
def manifest(root: Path) -> Manifest:
    return open_i.read(root, allow_partial=True)


def test_every_report_and_every_image_id(citations: list[Citation]) -> None:
    assert len(citations) == 3_955
    assert [item.uid for item in citations[:2]] == ["CXR1", "CXR2"]
    per_report = Counter(len(item.images) for item in citations)
    assert per_report == {0: 104, 1: 446, 2: 3_208, 3: 181, 4: 15, 5: 1}
    images = [name for item in citations for name in item.images]
    assert len(set(images)) == len(images) == open_i.SOURCE.expected["images"] == 7_470
    assert all(name.startswith(f"{item.uid}_") for item in citations for name in item.images)


def test_sections_of_every_report_are_found_again(citations: list[Citation]) -> None:
    filled = Counter(name for item in citations for name in item.sections)
    assert [3_955 - filled[name] for name in SECTIONS] == [622, 90, 530, 34]
    for item in citations:
        found = sections(item.text)
        assert found == {name.lower(): text for name, text in item.sections.items()}, item.uid


def test_headings_of_every_report(citations: list[Citation]) -> None:
    heads = Counter(heading for item in citations for heading in item.headings)
    assert heads["normal"] == 1_391 and heads["No Indexing"] == 95
    labelled = [open_i.classes_of(item.headings) for item in citations]
    assert sum(found is None for found in labelled) == 95
    counts = Counter(name for found in labelled if found for name in found)
    assert set(counts) == set(open_i.CLASSES), "each class occurs"
    assert counts["Cardiomegaly"] > 300 and counts["Effusion"] > 140 and counts["Hernia"] > 40


def test_the_images_that_are_there(manifest: Manifest, root: Path) -> None:
    assert (len(manifest), manifest.partial, len(manifest.reports)) == (5, 7_465, 3_955)
    assert manifest.release == "XML, views unknown: frontal and lateral are mixed"
    assert set(manifest.images["study"]) == {"CXR2", "CXR861", "CXR2577", "CXR2882"}
    for path in manifest.images["path"]:
        grey = read_grey(manifest.root / path)
        assert grey.shape[1] == 512 and grey.std() > 20
    report = examine("open_i", root)
    assert report.found["reports"] == report.expected["reports"] == 3_955
    assert report.opened == 5 and not report.unreadable and report.absent == 7_465


def test_a_corpus_is_built(manifest: Manifest, citations: list[Citation]) -> None:
    corpus = read_corpus(manifest, RECIPE)
    assert corpus.rows.tolist() == [0, 1, 2, 3, 4] and corpus.empty_reports == 0
    assert corpus.texts[0] == corpus.texts[1] != corpus.texts[2], "two views of one report"
    texts = [full_text(item.text, RECIPE.text_sections) for item in citations]
    with_image = [text for text, item in zip(texts, citations) if item.images]
    assert len(with_image) == open_i.SOURCE.expected["studies"]
    assert sum(not text for text in texts) == sum(
        not ({"FINDINGS", "IMPRESSION"} & set(item.sections)) for item in citations
    )
    assert sum(bool(text) for text in with_image) > 3_800


def test_unpacked_reports_are_the_same(
    real_data: Path, manifest: Manifest, root: Path, tmp_path: Path
) -> None:
    with tarfile.open(real_data / "openi_iu_xray" / "NLMCXR_reports.tgz") as archive:
        archive.extractall(tmp_path, filter="data")
    (tmp_path / "NLMCXR_png").symlink_to(root / "NLMCXR_png")
    unpacked = open_i.read(tmp_path, allow_partial=True)
    assert dict(unpacked.reports) == dict(manifest.reports)
    assert unpacked.images.equals(manifest.images) and unpacked.labels.equals(manifest.labels)
