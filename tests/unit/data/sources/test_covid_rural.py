from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmark.data.sources import covid_rural
from benchmark.data.splits import split_rows
from benchmark.errors import BadDataError, MissingDataError

Write = Callable[[Path, str], Path]
FIRST = "COVID-19-AR-99999901_01-15-2012-XR"
SECOND = "COVID-19-AR-99999901_01-16-2012-XR"
EMPTY = "COVID-19-AR-99999902_12-30-2011-XR"
UNSEGMENTED = "COVID-19-AR-99999903_01-08-2012-XR"
INFO = """PATIENT_ID,AGE,SEX,RACE,ZIP,MORTALITY
COVID-19-AR-99999901,54,F,NULL,722,0
COVID-19-AR-99999902,NULL,NULL,NULL,722,0
"""
SHAPES = {FIRST: (20, 16), SECOND: (12, 12), EMPTY: (9, 14), UNSEGMENTED: (8, 8)}


def opacity(name: str) -> np.ndarray:
    """Rows 3 to 6 of columns 2 to 9, nothing in the empty one."""
    inside = np.zeros(SHAPES[name], np.uint8)
    inside[3:7, 2:10] = name != EMPTY
    return inside


@pytest.fixture
def root(tmp_path: Path, write_text: Write) -> Path:
    folder = tmp_path / "opacity_segmentation_covid_chest_X_ray-master"
    annotations = folder / "covid_rural_annot"
    for part in ("jpgs/jsons", "pngs_masks"):
        (annotations / part).mkdir(parents=True)
    for name, (height, width) in SHAPES.items():
        grey = np.linspace(0, 255, height * width).reshape(height, width).astype(np.uint8)
        colour = Image.fromarray(np.stack([grey] * 3, axis=2))
        colour.save(annotations / "jpgs" / f"{name}.jpg")
        if name != UNSEGMENTED:
            Image.fromarray(opacity(name)).save(annotations / "pngs_masks" / f"{name}.png")
            write_text(annotations / "jpgs" / "jsons" / f"{name}.json", "{}")
    write_text(annotations / "covid_rural_patient_info.csv", INFO)
    (annotations / "predictions").mkdir()
    Image.fromarray(grey).save(annotations / "predictions" / f"{FIRST}.jpg.png")
    sister = folder / "covid-chestxray-dataset" / "selected_images_masks"
    sister.mkdir(parents=True)
    Image.fromarray(grey).save(sister / "000001.png")
    return folder


def test_masks_of_zeros_and_ones(root: Path) -> None:
    manifest = covid_rural.read(root)
    assert set(manifest.masks) == {FIRST, SECOND, EMPTY}
    for name in (FIRST, SECOND, EMPTY):
        assert np.array_equal(manifest.masks[name].pixels(), opacity(name).astype(bool))
    assert manifest.masks[EMPTY].runs == ()
    assert (manifest.masks[FIRST].height, manifest.masks[FIRST].width) == (20, 16)


def test_images_patients_and_labels(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    manifest = covid_rural.read(root)
    images = manifest.images
    assert images["image"].tolist() == [FIRST, SECOND, EMPTY]
    assert UNSEGMENTED in caplog.text and FIRST not in caplog.text
    assert images["path"][0] == f"covid_rural_annot/jpgs/{FIRST}.jpg"
    assert images["patient"].tolist() == [
        "covid_rural:COVID-19-AR-99999901",
        "covid_rural:COVID-19-AR-99999901",
        "covid_rural:COVID-19-AR-99999902",
    ]
    assert images["sex"].tolist() == ["F", "F", ""]
    assert images["age"].tolist()[:2] == [54.0, 54.0] and np.isnan(images["age"][2])
    assert manifest.labels["Opacity"].tolist() == [1.0, 1.0, 0.0]
    assert f"covid_rural_annot/pngs_masks/{EMPTY}.png" in manifest.label_files
    assert "covid_rural_annot/covid_rural_patient_info.csv" in manifest.label_files


def test_the_inner_folder_alone_without_the_table(root: Path) -> None:
    (root / "covid_rural_annot" / "covid_rural_patient_info.csv").unlink()
    manifest = covid_rural.read(root / "covid_rural_annot")
    assert manifest.images["path"][0] == f"jpgs/{FIRST}.jpg"
    assert set(manifest.images["sex"]) == {""} and manifest.images["age"].isna().all()


@pytest.mark.parametrize("form", ["255", "RGB", "RGBA", "P", "1"])
def test_other_forms_of_a_mask(root: Path, form: str) -> None:
    path = root / "covid_rural_annot" / "pngs_masks" / f"{FIRST}.png"
    inside = opacity(FIRST)
    picture = Image.fromarray(inside * 255)
    if form == "P":
        picture = Image.fromarray(inside)
        picture.putpalette([0, 0, 0, 200, 0, 0])
    elif form != "255":
        picture = picture.convert(form)
    picture.save(path)
    assert np.array_equal(covid_rural.read(root).masks[FIRST].pixels(), inside.astype(bool))


def test_a_shrunk_radiograph_keeps_its_mask(root: Path) -> None:
    path = root / "covid_rural_annot" / "jpgs" / f"{FIRST}.jpg"
    with Image.open(path) as picture:
        small = picture.resize((8, 10))
    small.save(path)
    assert covid_rural.read(root).masks[FIRST].height == 20
    small.resize((12, 10)).save(path)
    with pytest.raises(BadDataError, match=FIRST):
        covid_rural.read(root)


def test_absent_radiographs_and_masks(root: Path) -> None:
    folder = root / "covid_rural_annot"
    (folder / "jpgs" / f"{SECOND}.jpg").unlink()
    with pytest.raises(MissingDataError, match=SECOND):
        covid_rural.read(root)
    manifest = covid_rural.read(root, allow_partial=True)
    assert (len(manifest), manifest.partial) == (2, 1)
    assert set(manifest.masks) == {FIRST, EMPTY}
    (folder / "pngs_masks" / f"{FIRST}.png").write_bytes(b"no picture")
    with pytest.raises(BadDataError, match=FIRST):
        covid_rural.read(root, allow_partial=True)
    (folder / "pngs_masks").rename(folder / "elsewhere")
    with pytest.raises(MissingDataError, match="masks"):
        covid_rural.read(root)


def test_patients_stay_together_in_both_splits(root: Path) -> None:
    manifest = covid_rural.read(root)
    for name in ("clean", "lovt"):
        rows = split_rows(manifest, name)
        used = np.concatenate([rows.train, rows.validation, rows.test])
        assert sorted(used.tolist()) == [0, 1, 2]
        assert not rows.leaks


def test_a_second_process_opens_no_mask(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    first = covid_rural.read(root, cache_dir=cache)
    opened: list[str] = []
    open_image = Image.open

    def noted(path: Path, *arguments: object) -> Image.Image:
        opened.append(Path(path).name)
        return open_image(path)

    monkeypatch.setattr(Image, "open", noted)
    assert covid_rural.read(root, cache_dir=cache).labels.equals(first.labels)
    assert opened == []
    path = root / "covid_rural_annot" / "pngs_masks" / f"{SECOND}.png"
    Image.fromarray(np.zeros(SHAPES[SECOND], np.uint8)).save(path)
    changed = covid_rural.read(root, cache_dir=cache)
    assert changed.labels["Opacity"].tolist() == [1.0, 0.0, 0.0]
    assert set(opened) == {f"{SECOND}.png", f"{SECOND}.jpg"}
    (cache / "labels" / "covid_rural.json").write_text("torn", encoding="utf-8")
    assert covid_rural.read(root, cache_dir=cache).labels.equals(changed.labels)
