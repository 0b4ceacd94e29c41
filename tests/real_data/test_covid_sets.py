"""The readers of the COVID-19 sets on the small real sets of MACO_BENCH_REAL_DATA."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmark.data.images import read_grey
from benchmark.data.sources import covid_idc, covid_rural
from benchmark.data.splits import split_rows
from tests.real_data import convert_covid as convert
from tests.real_data.common import VARIABLE, real_root, rows_of

REAL = real_root()
pytestmark = pytest.mark.skipif(REAL is None, reason=f"{VARIABLE} is not set")


@pytest.fixture(scope="module")
def real() -> Path:
    assert REAL is not None
    return REAL


def test_real_masks_in_the_layout_of_covid_rural(real: Path, tmp_path: Path) -> None:
    manifest = covid_rural.read(convert.convert_opacity_seg(real, tmp_path))
    rows = rows_of(real / "covid_opacity_seg" / "images.csv")
    assert len(manifest) == len(manifest.masks) == len(rows) == 44
    assert manifest.images["patient"].nunique() == len({row["patientid"] for row in rows}) == 37
    stems = convert.rural_stems(rows)
    for row in rows:
        name = stems[row["file"]]
        mask = manifest.masks[name].pixels()
        path = manifest.root / "covid_rural_annot" / "jpgs" / f"{name}.jpg"
        assert read_grey(path).shape == mask.shape
        with Image.open(real / "covid_opacity_seg" / row["opacity_mask"]) as picture:
            source = np.asarray(picture)
        assert np.array_equal(mask, source > 0)
        seen = float(row["ggo_frac"]) + float(row["consolidation_frac"])
        assert np.isin(source, [1, 2]).mean() == pytest.approx(seen, abs=0.002)
    assert manifest.labels["Opacity"].sum() == sum(bool(m.runs) for m in manifest.masks.values())
    shares = [mask.pixels().mean() for mask in manifest.masks.values()]
    assert 0.05 < np.mean(shares) < 0.25
    rows_of_split = split_rows(manifest, "lovt")
    assert not rows_of_split.leaks and len(rows_of_split.validation) >= 5


def test_hannover_in_the_layout_of_the_collection(real: Path, tmp_path: Path) -> None:
    manifest = covid_idc.read(convert.convert_hannover(real, tmp_path))
    assert len(manifest) == 243
    assert manifest.images["patient"].nunique() == 71
    assert (manifest.labels == 1).all(axis=None), "every patient has COVID-19"
    assert Counter(manifest.images["projection"]) == {"AP": 194, "PA": 49}
    assert set(manifest.images["sex"]) <= {"M", "F", ""}
    for path in manifest.images["path"][:5]:
        assert read_grey(manifest.root / path).shape[1] == 640


def test_the_collection_itself_as_far_as_it_is_there(real: Path, tmp_path: Path) -> None:
    """Real rows of June 2020: real findings, views and notes."""
    manifest = covid_idc.read(convert.convert_notes(real, tmp_path))
    rows = {row["filename"]: row for row in rows_of(real / "covid_cxr_notes/metadata.csv")}
    frontal = {name for name, row in rows.items() if row["view"] in ("PA", "AP", "AP Supine")}
    assert set(manifest.images["image"]) == frontal and len(frontal) == 211
    labels = dict(zip(manifest.images["image"], manifest.labels.to_numpy()))
    in_tasks = {name for name in frontal if rows[name]["view"] != "AP Supine"}
    for name, (covid, viral) in labels.items():
        finding = rows[name]["finding"]
        if name not in in_tasks or finding in ("todo", "No Finding"):
            assert np.isnan(covid) and np.isnan(viral)
            continue
        assert covid == float("COVID-19" in finding)
        if finding in ("ARDS", "Lipoid", "Pneumocystis", "Pneumonia"):
            assert np.isnan(viral)
        else:
            assert viral == float(finding.split(",")[0] in ("COVID-19", "Influenza", "Varicella"))
    known = manifest.labels.notna().sum()
    assert known["COVID-19"] > known["Viral"] > 80
    rows_of_split = split_rows(manifest, "clean")
    for part in (rows_of_split.train, rows_of_split.validation, rows_of_split.test):
        assert set(manifest.labels["COVID-19"].iloc[part]) == {0.0, 1.0}
    assert not rows_of_split.leaks
