"""CheXpert's and SIIM's published lists and SIIM's run lengths, parsed whole."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmark.data.published_lists import read_lists
from benchmark.data.sources import chexpert, siim_acr
from benchmark.data.splits import split_rows, subset_rows
from benchmark.metrics.rle import decode, encode

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from benchmark.data.manifest import Manifest


@pytest.fixture(scope="module")
def chexpert_lists(real_data: Path) -> pd.DataFrame:
    return read_lists(real_data / "splits_maco" / "CheXpert", chexpert.COMPETITION)


@pytest.fixture(scope="module")
def siim(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """The whole table and the lists; of the pictures their names, nothing else is read."""
    root = tmp_path_factory.mktemp("siim")
    source = real_data / "annotations" / "siim-pneumothorax-train-rle.csv.gz"
    shutil.copyfile(source, root / "train-rle.csv.gz")
    folder = root / "dicom-images-train"
    folder.mkdir()
    for image in siim_acr._read_masks(source):
        (folder / f"{image}.png").touch()
    return siim_acr.read(root, lists_root=real_data / "splits_maco")


def patients(images: Iterable[str]) -> set[str]:
    return {image.split("/")[2] for image in images}


def test_chexpert_lists(chexpert_lists: pd.DataFrame) -> None:
    lists = chexpert_lists
    parts = {part: lists[lists["split"] == part] for part in ("train", "validation", "test")}
    counts = {part: (len(rows), len(patients(rows["image"]))) for part, rows in parts.items()}
    assert counts == {"train": (23_812, 17_377), "validation": (5_000, 4_560), "test": (234, 200)}
    assert [int(lists[f"in_{percent}"].sum()) for percent in (1, 10, 100)] == [2_184, 21_841, 0]
    ten, validation = lists.loc[lists["in_10"], "image"], parts["validation"]["image"]
    assert len(patients(ten) & patients(validation)) == 1_837
    assert not set(ten) & set(validation), "patients are shared, images are not"
    assert not patients(parts["test"]["image"]) & (patients(ten) | patients(validation))
    test = parts["test"]
    assert test["image"].str.contains("frontal").sum() == 202
    assert {int(name[7:]) for name in patients(test["image"])} == set(range(64_541, 64_741))


def test_columns_of_the_chexpert_lists_and_their_reading_of_uncertain_labels(
    chexpert_lists: pd.DataFrame,
) -> None:
    """The rates of the release's positive and uncertain labels tell both."""
    positive = {"Cardiomegaly": 27_000, "Consolidation": 14_783}
    either = {"Atelectasis": 67_115, "Edema": 65_230, "Pleural Effusion": 97_815}
    images = 223_414
    ten = chexpert_lists[chexpert_lists["in_10"]]
    for name, count in {**positive, **either}.items():
        assert ten[name].mean() == pytest.approx(count / images, abs=0.01), name
    test = chexpert_lists[chexpert_lists["split"] == "test"]
    assert test[list(chexpert.COMPETITION)].sum().tolist() == [80, 68, 33, 45, 67]


def test_the_chexpert_reader_finds_listed_images(
    real_data: Path, chexpert_lists: pd.DataFrame, tmp_path: Path
) -> None:
    """A folder with the validation and test lists' images alone, under the release's names."""
    folder = tmp_path / "splits_maco" / "CheXpert"
    folder.mkdir(parents=True)
    for name in ("val_list", "test_list"):
        shutil.copyfile(
            real_data / "splits_maco" / "CheXpert" / f"{name}.txt.gz", folder / f"{name}.txt.gz"
        )
    root = tmp_path / "CheXpert-v1.0-small"
    header = ["Path", "Sex", "Age", "Frontal/Lateral", "AP/PA", *chexpert.CLASSES]
    for part, split in (("train", "validation"), ("valid", "test")):
        lines = [",".join(header)]
        for image in chexpert_lists.loc[chexpert_lists["split"] == split, "image"]:
            view = "Frontal" if image.endswith("frontal") else "Lateral"
            lines.append(f"{image}.jpg,Male,60,{view},{',' * 14}")
            path = tmp_path / f"{image}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        (root / f"{part}.csv").write_text("\n".join(lines) + "\n")
    manifest = chexpert.read(root)
    rows = split_rows(manifest, "maco_lists")
    assert (len(rows.validation), len(rows.test), rows.overlaps["absent"]) == (5_000, 234, 0)
    assert rows.labels is not None
    listed = rows.labels[list(chexpert.COMPETITION)].to_numpy()
    assert listed[rows.test].sum(axis=0).tolist() == [80, 68, 33, 45, 67]
    assert (manifest.images["view"].to_numpy()[rows.test] == "frontal").sum() == 202


def test_siim_table(siim: Manifest) -> None:
    assert len(siim) == 12_047
    assert siim.labels["Pneumothorax"].sum() == 2_669
    rows = np.array([len(mask.runs) for mask in siim.masks.values()])
    assert (rows.sum(), (rows > 1).sum(), rows.max()) == (3_576, 624, 10)
    assert (rows[siim.labels["Pneumothorax"] == 0] == 0).all()


def test_siim_lists_leak_as_published(siim: Manifest) -> None:
    rows = split_rows(siim, "maco_lists")
    assert (len(rows.train), len(rows.validation), len(rows.test)) == (7_969, 1_898, 1_904)
    shared = {pair: rows.overlaps[pair]["images"] for pair in rows.overlaps if "-" in pair}
    assert shared == {"train-validation": 478, "train-test": 494, "validation-test": 124}
    assert rows.labels is not None
    label = rows.labels["Pneumothorax"].to_numpy()
    for first, second in ((rows.train, rows.test), (rows.validation, rows.train)):
        assert label[np.intersect1d(first, second)].all(), "all shared images are positive"
    assert (label[rows.test] == 0).mean() == pytest.approx(0.647, abs=5e-4)
    assert [len(subset_rows(siim, rows, percent, 0)) for percent in (1, 10, 100)] == [
        80,
        797,
        7_969,
    ]
    one, ten = rows.listed[1], rows.listed[10]
    assert set(one) <= set(ten) <= set(rows.train)


@pytest.mark.full
def test_siim_masks_decode(siim: Manifest) -> None:
    """Every run length stays in the frame; the mean centre is apical, and not transposed."""
    centres, overlapping = [], 0
    axis = np.arange(siim_acr.FRAME)
    for mask in siim.masks.values():
        if not mask.runs:
            continue
        inside = mask.pixels()
        area = int(inside.sum())
        centres.append((inside.sum(axis=1) @ axis / area, inside.sum(axis=0) @ axis / area))
        if len(mask.runs) > 1:
            areas = (decode(text, mask.height, mask.width).sum() for text in mask.runs)
            overlapping += sum(areas) > area
        elif len(centres) % 10 == 0:
            assert encode(inside) == mask.runs[0]
    assert np.mean(centres, axis=0) == pytest.approx([293, 480], abs=1)
    assert overlapping == 183
