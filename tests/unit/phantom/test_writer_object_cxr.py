"""object-CXR: the annotated objects are the devices that were drawn, and nothing else."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from benchmark.data.manifest import Manifest
from benchmark.data.sources import object_cxr as reader
from benchmark.data.splits import split_rows
from benchmark.phantom.draw import draw_phantom
from benchmark.phantom.population import patient_of
from benchmark.phantom.render import render_view
from benchmark.phantom.reports import ReportDials
from benchmark.phantom.writers import object_cxr as writer
from benchmark.phantom.writers.boxes import mask_box
from benchmark.phantom.writers.common import Setting
from benchmark.phantom.writers.mimic_cxr import crop
from benchmark.specs import PhantomSize

SIZE = PhantomSize(cases=160, size=96, seed=3)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phantoms") / "objects"
    draw_phantom(folder, SIZE, ["object_cxr"], workers=1)
    return folder / writer.FOLDER


@pytest.fixture(scope="module")
def manifest(root: Path) -> Manifest:
    return reader.read(root)


def setting() -> Setting:
    return Setting(Path(), SIZE.size, SIZE.seed, ReportDials())


def test_the_reader_finds_every_case_in_its_part(manifest: Manifest) -> None:
    cases = writer.cases(SIZE)
    assert len(manifest) == len(cases) == writer.FEWEST_CASES
    assert manifest.phantom is not None and manifest.release == "train+dev+test"
    splits = dict(zip(manifest.images["image"], manifest.images["split"]))
    names = {"train": "train", "validate": "validation", "test": "test"}
    for case in cases:
        assert splits[writer.image_name(case).removesuffix(".jpg")] == names[case.split]
    assert all(int(name) >= 90_000 for name in splits)


def test_every_part_has_both_classes(manifest: Manifest) -> None:
    rows = split_rows(manifest, "g2d")
    labels = manifest.labels["Foreign object"].to_numpy()
    for part in (rows.train, rows.validation, rows.test):
        assert set(labels[part]) == {0.0, 1.0}
    assert 0.35 <= labels.mean() <= 0.5, "half have a device; few are too faint to be annotated"


def test_boxes_are_those_of_the_drawn_devices(manifest: Manifest) -> None:
    for case in writer.cases(SIZE):
        study = setting().study(case)
        random = setting().generator(case, "object_cxr")
        drawing = crop(writer.draw_objects(study, study.views[0], SIZE.size), random)
        name = writer.image_name(case).removesuffix(".jpg")
        rows = manifest.boxes[manifest.boxes["image"] == name]
        expected = [
            tuple(map(float, mask_box(mask)))
            for mask in drawing.masks.values()
            if np.count_nonzero(mask) >= 4
        ]
        assert [tuple(row) for row in rows[["x", "y", "w", "h"]].to_numpy()] == expected
        height, width = drawing.pixels.shape
        assert set(zip(rows["height"], rows["width"])) <= {(height, width)}


def test_the_picture_changes_inside_the_boxes_alone() -> None:
    """Truth against pictures with and without devices, drawn here from the study itself."""
    met = 0
    for case in writer.cases(SIZE)[:30]:
        study = setting().study(case)
        view = study.views[0]
        drawing = writer.draw_objects(study, view, SIZE.size)
        whole = render_view(study, view, SIZE.size).pixels
        assert np.array_equal(drawing.pixels, whole), "what is drawn is the phantom's own picture"
        bare = render_view(study, dataclasses.replace(view, devices=()), SIZE.size).pixels
        # Faint changes of several devices add up where they cross.
        changed = np.abs(whole - bare) > writer.VISIBLE * max(1, len(view.devices))
        covered = np.zeros_like(changed)
        for mask in drawing.masks.values():
            covered |= mask
        assert len(drawing.masks) == len(view.devices)
        assert not (changed & ~covered).any()
        met += bool(view.devices)
    assert met >= 12


def test_a_patient_has_one_image_and_no_other_set_shares_it() -> None:
    cases = writer.cases(SIZE)
    assert {case.population for case in cases} == {"object_cxr"}
    patients = [patient_of(case.number, SIZE.seed, "object_cxr") for case in cases]
    assert len({patient for patient, _ in patients}) == len(cases)


def test_the_files_have_the_official_forms(root: Path) -> None:
    for part, header in (("train", "image_name"), ("dev", "image_name"), ("test", "image_path")):
        lines = (root / f"{part}.csv").read_text().splitlines()
        assert lines[0] == f"{header},annotation"
        names = [line.split(",")[0].removeprefix("test/") for line in lines[1:]]
        assert names == sorted(path.name for path in (root / part).iterdir())
    with Image.open(next((root / "train").iterdir())) as picture:
        assert picture.mode == "L" and b"maco-bench phantom" in picture.info["comment"]


def test_kinds_of_annotations(manifest: Manifest, root: Path) -> None:
    cells = [
        line.split(",", 1)[1]
        for part in ("train", "dev")
        for line in (root / f"{part}.csv").read_text().splitlines()[1:]
    ]
    shapes = [shape for cell in cells for shape in reader.parse_annotation(cell)]
    assert {shape.kind for shape in shapes} >= {"rectangle", "polygon"}
    assert any(";" in cell for cell in cells) and "" in cells


def test_label_noise_overlooks_objects(tmp_path: Path) -> None:
    case = next(case for case in writer.cases(SIZE) if setting().study(case).views[0].devices)
    for noise, expected in ((0.0, False), (1.0, True)):
        dials = ReportDials(label_noise=noise)
        noisy = dataclasses.replace(setting(), dials=dials, root=tmp_path / str(noise))
        (row,) = writer.write_case(case, noisy).rows["object_cxr_train"]
        assert (row[1] == "") is expected


@given(hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=24)), st.data())
def test_the_hull_has_the_box_of_the_mask(mask: np.ndarray, data: st.DataObject) -> None:
    row = data.draw(st.integers(0, mask.shape[0] - 1))
    mask[row, data.draw(st.integers(0, mask.shape[1] - 1))] = True
    corners = writer.hull(mask)
    x, y, w, h = mask_box(mask)
    assert corners.min(axis=0).tolist() == [x, y]
    assert corners.max(axis=0).tolist() == [x + w, y + h]
