from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.data.manifest import BOX_COLUMNS
from benchmark.data.sources import object_cxr
from benchmark.data.splits import split_rows
from benchmark.errors import BadDataError, MissingDataError

Write = Callable[[Path, str], Path]
Picture = Callable[..., Path]
TRAIN = """image_name,annotation
09901.jpg,0 40 15 62 71;2 81 9 87 20 90 5 84 16
09902.jpg,
09903.jpg,1 10 13 25 44
"""
DEV = "image_name,annotation\n09911.jpg,0 1 2 3 4; 0 5 5 5 9\n09912.jpg,\n"
COORDINATE = st.integers(0, 3000)


@pytest.fixture
def root(tmp_path: Path, write_picture: Picture, write_text: Write) -> Path:
    folder = tmp_path / "object-CXR"
    for name in ("09901", "09902", "09903"):
        write_picture(folder / "train" / f"{name}.jpg", height=80, width=100)
    for name in ("09911", "09912"):
        write_picture(folder / "dev" / f"{name}.jpg", height=90, width=60)
    write_text(folder / "train.csv", TRAIN)
    write_text(folder / "dev.csv", DEV)
    return folder


def test_boxes_of_rectangles_ellipses_and_polygons(root: Path) -> None:
    manifest = object_cxr.read(root)
    assert tuple(manifest.boxes.columns) == BOX_COLUMNS
    rows = manifest.boxes.drop(columns=["label", "phrase"]).values.tolist()
    assert rows == [
        ["09901", 40.0, 15.0, 22.0, 56.0, 100, 80, "train"],
        ["09901", 81.0, 5.0, 9.0, 15.0, 100, 80, "train"],
        ["09903", 10.0, 13.0, 15.0, 31.0, 100, 80, "train"],
        ["09911", 1.0, 2.0, 2.0, 2.0, 60, 90, "validation"],
    ], "corners become widths and heights; an object without an area has no box"
    assert manifest.labels["Foreign object"].tolist() == [1.0, 0.0, 1.0, 1.0, 0.0]
    assert set(manifest.boxes["label"]) == set(object_cxr.CLASSES)


def test_parts_are_splits_and_every_image_is_its_own_patient(root: Path) -> None:
    manifest = object_cxr.read(root)
    assert manifest.release == "train+dev"
    assert manifest.images["split"].tolist() == ["train"] * 3 + ["validation"] * 2
    assert manifest.images["path"].tolist()[-1] == "dev/09912.jpg"
    assert manifest.images["patient"].tolist()[0] == "object_cxr:09901"
    assert manifest.images["patient"].is_unique
    assert manifest.label_files == ("train.csv", "dev.csv")


def test_the_test_table_of_kaggle_names_paths(
    root: Path, write_picture: Picture, write_text: Write
) -> None:
    write_picture(root / "test" / "09921.jpg", height=20, width=30)
    write_text(root / "test.csv", "image_path,annotation\ntest/09921.jpg,0 4 5 9 9\n")
    manifest = object_cxr.read(root)
    assert manifest.release == "train+dev+test"
    last = manifest.images.iloc[-1]
    assert (last["image"], last["path"], last["split"]) == ("09921", "test/09921.jpg", "test")
    assert manifest.boxes.iloc[-1][["x", "y", "w", "h", "width"]].tolist() == [4, 5, 5, 4, 30]


def test_the_cut_of_g2d_takes_the_dev_part_as_test(tmp_path: Path, write_picture: Picture) -> None:
    lines = ["image_name,annotation"]
    for number in range(50):
        write_picture(tmp_path / "train" / f"{number:05d}.jpg")
        lines.append(f"{number:05d}.jpg," + ("0 1 1 5 5" if number % 2 else ""))
    (tmp_path / "train.csv").write_text("\n".join(lines) + "\n")
    write_picture(tmp_path / "dev" / "09000.jpg")
    (tmp_path / "dev.csv").write_text("image_name,annotation\n09000.jpg,0 1 1 5 5\n")
    manifest = object_cxr.read(tmp_path)
    rows = split_rows(manifest, "g2d")
    assert (len(rows.train), len(rows.validation), rows.test.tolist()) == (40, 10, [50])
    assert len(split_rows(manifest, "mgca").validation) == 5
    positives = manifest.labels["Foreign object"].to_numpy()[rows.validation].sum()
    assert 4 <= positives <= 6, "stratified"


def test_absent_images_and_absent_tables(root: Path) -> None:
    (root / "train" / "09903.jpg").unlink()
    with pytest.raises(MissingDataError, match="09903"):
        object_cxr.read(root)
    manifest = object_cxr.read(root, allow_partial=True)
    assert (len(manifest), manifest.partial, manifest.missing) == (4, 1, ("09903",))
    assert set(manifest.boxes["image"]) == {"09901", "09911"}
    (root / "train.csv").unlink()
    with pytest.raises(MissingDataError, match=r"train\.csv"):
        object_cxr.read(root)


@pytest.mark.parametrize("text", ["3 1 2 3 4", "0 1 2 3", "1 1 2 3 4 5 6", "2 1 2 3", "0 a b c d"])
def test_bad_annotations_are_told(root: Path, write_text: Write, text: str) -> None:
    write_text(root / "dev.csv", f"image_name,annotation\n09911.jpg,{text}\n09912.jpg,\n")
    with pytest.raises(BadDataError, match="object-CXR"):
        object_cxr.read(root)


@given(
    st.lists(
        st.tuples(st.sampled_from("012"), st.lists(st.tuples(COORDINATE, COORDINATE), min_size=2)),
        max_size=4,
    ),
    st.sampled_from([";", " ; ", ";  "]),
)
def test_a_box_holds_its_points_tightly(
    objects: list[tuple[str, list[tuple[int, int]]]], separator: str
) -> None:
    objects = [(kind, points if kind == "2" else points[:2]) for kind, points in objects]
    cells = [" ".join([kind, *(f"{x} {y}" for x, y in points)]) for kind, points in objects]
    shapes = object_cxr.parse_annotation(separator.join(cells))
    assert len(shapes) == len(objects)
    for shape, (kind, points) in zip(shapes, objects):
        x, y, w, h = shape.box
        assert shape.kind == {"0": "rectangle", "1": "ellipse", "2": "polygon"}[kind]
        assert shape.points.tolist() == [list(map(float, point)) for point in points]
        assert (x, x + w) == (min(p[0] for p in points), max(p[0] for p in points))
        assert (y, y + h) == (min(p[1] for p in points), max(p[1] for p in points))


def test_an_empty_cell_has_no_object() -> None:
    assert object_cxr.parse_annotation("") == []
    assert np.array_equal(object_cxr.parse_annotation("2 7 8")[0].box, (7, 8, 0, 0))
