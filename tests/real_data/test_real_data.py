"""The readers, the store and the splits on the small real sets of MACO_BENCH_REAL_DATA."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest

from benchmark.data.corpus import read_corpus
from benchmark.data.doctor import examine
from benchmark.data.published_lists import read_lists
from benchmark.data.sources import csv_pairs, nih_cxr14, rsna_pneumonia
from benchmark.data.splits import split_rows, subset_rows
from benchmark.data.store import open_store
from benchmark.recipes import PretrainRecipe
from tests.real_data import convert
from tests.real_data.common import VARIABLE, real_root, rows_of

REAL = real_root()
pytestmark = pytest.mark.skipif(REAL is None, reason=f"{VARIABLE} is not set")


@pytest.fixture(scope="module")
def real() -> Path:
    assert REAL is not None
    return REAL


@pytest.fixture(scope="module")
def root(real: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("real")
    convert.copy_lists(real, folder)
    convert.convert_nih(real, folder)
    convert.convert_rsna(real, folder, limit=40)
    convert.convert_pairs(real, folder)
    return folder


def test_published_lists_at_full_scale(real: Path) -> None:
    nih = read_lists(real / "splits_maco" / "NIH_ChestX-ray", nih_cxr14.CLASSES)
    assert nih["split"].value_counts().to_dict() == {
        "train": 78_468,
        "validation": 11_219,
        "test": 22_433,
    }
    assert [int(nih[f"in_{percent}"].sum()) for percent in (1, 10, 100)] == [785, 7_847, 78_468]
    rsna = read_lists(real / "splits_maco" / "RSNA_Pneumonia", rsna_pneumonia.CLASSES)
    assert rsna["split"].value_counts().to_dict() == {
        "train": 25_184,
        "test": 3_000,
        "validation": 1_500,
    }
    assert rsna.loc[rsna["split"] == "test", "Lung Opacity"].sum() == 1_094
    siim = read_lists(real / "splits_maco" / "SIIM-ACR_Pneumothorax", ["Pneumothorax"])
    parts = {part: set(siim.loc[siim["split"] == part, "image"]) for part in siim["split"].unique()}
    assert len(parts["train"] & parts["test"]) == 494
    assert len(parts["validation"] & parts["test"]) == 124
    chexpert = read_lists(real / "splits_maco" / "CheXpert", list("abcde"))
    assert (chexpert["split"] == "test").sum() == 234
    assert chexpert["in_10"].sum() == 21_841


def test_nih_subset(root: Path, tmp_path: Path) -> None:
    manifest = nih_cxr14.read(root / "nih-cxr14", allow_partial=True)
    assert len(manifest) == 1_000
    assert manifest.images["patient"].nunique() == 682
    assert len(manifest.boxes) == 49
    assert manifest.labels["Pneumonia"].sum() == 500
    assert manifest.labels["Hernia"].sum() == 3
    rows = split_rows(manifest, "clean")
    assert len(rows.train) + len(rows.validation) + len(rows.test) == 1_000
    assert 170 <= len(rows.test) <= 230
    few = subset_rows(manifest, rows, 10, 0)
    assert 55 <= len(few) <= 100
    small = manifest.take(np.arange(20))
    store = open_store(small, 224, tmp_path, key="part")
    assert store[0].shape == (224, 224)
    assert store.original_size(0) == (512, 512)


def test_nih_full_tables_are_parsed(real: Path, root: Path, tmp_path: Path) -> None:
    """The official table and boxes whole; of the images the thousand that are there."""
    for name in ("Data_Entry_2017_v2020.csv.gz", "BBox_List_2017.csv.gz"):
        shutil.copyfile(real / "annotations" / name, tmp_path / name)
    (tmp_path / "images").symlink_to(root / "nih-cxr14" / "images")
    with gzip.open(tmp_path / "Data_Entry_2017_v2020.csv.gz", "rt") as file:
        assert sum(1 for _ in file) == 112_121
    manifest = nih_cxr14.read(tmp_path, allow_partial=True)
    assert len(manifest) == 1_000
    assert manifest.partial == 111_120
    assert len(manifest.boxes) == 49


def test_rsna_subset_is_grouped_by_nih_person(root: Path, tmp_path: Path) -> None:
    folder = root / "rsna-pneumonia-detection-challenge"
    manifest = rsna_pneumonia.read(folder, lists_root=root)
    assert len(manifest) == 40
    assert manifest.images["patient"].str.startswith("nih:").all()
    assert set(manifest.boxes["width"]) <= {1024}
    positive = set(manifest.images["image"][manifest.labels["Lung Opacity"] == 1])
    assert set(manifest.boxes["image"]) == positive
    assert manifest.images["age"].between(1, 155).all()
    rows = split_rows(manifest, "clean")
    assert all(shared["patients"] == 0 for name, shared in rows.overlaps.items() if "-" in name)
    store = open_store(manifest.take(np.arange(8)), 256, tmp_path, key="part")
    assert store.original_size(3) == (1024, 1024)


def test_pairs_make_a_corpus_without_segmented_patients(real: Path, root: Path) -> None:
    manifest = csv_pairs.read(root / "csv-pairs")
    assert set(manifest.images["view"]) == {"frontal"}
    segmented = {
        f"csv:{row['patientid']}" for row in rows_of(real / "covid_opacity_seg/images.csv")
    }
    assert not segmented & set(manifest.images["patient"])
    corpus = read_corpus(manifest, PretrainRecipe(source="test"))
    assert len(corpus) == len(manifest) - corpus.empty_reports
    assert min(len(text) for text in corpus.texts) > 3


def test_doctor_counts_what_is_there(root: Path) -> None:
    report = examine("nih_cxr14", root / "nih-cxr14", lists_root=root)
    assert report.healthy
    assert report.opened == 50
    assert report.lists["maco_lists"]["train"] == {"listed": 78_468, "present": 704}
    assert report.lists["maco_lists"]["train and test"] == {"images": 0, "patients": 0}
