from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.data.sources import chestx_det
from benchmark.errors import BadDataError, MissingDataError

Picture = Callable[..., Path]
TRAIN = [
    {"file_name": "99200.png", "syms": [], "boxes": [], "polygons": []},
    {
        "file_name": "99204.png",
        "syms": ["Cardiomegaly", "Nodule"],
        "boxes": [[300, 400, 700, 710], [200, 600, 230, 640]],
        "polygons": [
            [[300, 400], [700, 410], [690, 710], [310, 700]],
            [[200, 620], [215, 600], [230, 620], [215, 640]],
        ],
    },
]
TEST = [
    {
        "file_name": "99302.png",
        "syms": ["Pleural Thickening", "Pleural Thickening"],
        "boxes": [[1, 2, 1020, 30], [5, 6, 7, 8]],
        "polygons": [[[1, 2], [1020, 2], [1020, 30], [1, 30]], [[5, 6], [7, 6], [7, 8], [5, 8]]],
    }
]


@pytest.fixture
def root(tmp_path: Path, write_picture: Picture) -> Path:
    (tmp_path / "ChestX_Det_train.json").write_text(json.dumps(TRAIN))
    packed = gzip.compress(json.dumps(TEST).encode())
    (tmp_path / "ChestX_Det_test.json.gz").write_bytes(packed)
    for name in ("train_data/99200", "train_data/99204", "test_data/99302"):
        write_picture(tmp_path / f"{name}.png", height=64, width=64)
    return tmp_path


def test_images_labels_and_boxes(root: Path) -> None:
    manifest = chestx_det.read(root)
    assert manifest.images["image"].tolist() == ["99200", "99204", "99302"]
    assert manifest.images["split"].tolist() == ["train", "train", "test"]
    assert manifest.images["path"].tolist()[2] == "test_data/99302.png"
    assert tuple(manifest.labels.columns) == chestx_det.CLASSES
    assert manifest.labels.sum(axis=1).tolist() == [0.0, 2.0, 1.0]
    assert manifest.labels["Pleural Thickening"].tolist() == [0.0, 0.0, 1.0]
    rows = manifest.boxes.drop(columns="phrase").values.tolist()
    assert rows[0] == ["99204", "Cardiomegaly", 300, 400, 400, 310, 1024, 1024, "train"]
    assert rows[2] == ["99302", "Pleural Thickening", 1, 2, 1019, 28, 1024, 1024, "test"]
    assert len(rows) == 4


def test_absent_images_and_tables(root: Path) -> None:
    (root / "train_data" / "99204.png").unlink()
    with pytest.raises(MissingDataError, match="99204"):
        chestx_det.read(root)
    manifest = chestx_det.read(root, allow_partial=True)
    assert manifest.partial == 1 and set(manifest.boxes["image"]) == {"99302"}
    (root / "ChestX_Det_test.json.gz").unlink()
    with pytest.raises(MissingDataError, match="ChestX_Det_test"):
        chestx_det.read(root)


@pytest.mark.parametrize(
    "entry",
    [
        {"file_name": "1.png", "syms": ["Mass"], "boxes": [], "polygons": []},
        {"file_name": "1.png", "syms": ["Mass"], "boxes": [[1, 2, 3]], "polygons": [[[1, 2]]]},
        {"file_name": "1.png", "syms": ["Mas"], "boxes": [[1, 2, 3, 4]], "polygons": [[[1, 2]]]},
        {"syms": [], "boxes": [], "polygons": []},
        "text",
    ],
)
def test_bad_entries_are_told(entry: Any) -> None:
    with pytest.raises(BadDataError, match="here"):
        chestx_det.parse_annotations(json.dumps([entry]).encode(), "here")
    with pytest.raises(BadDataError, match="here"):
        chestx_det.parse_annotations(b"\xff{", "here")


CORNER = st.tuples(st.integers(0, 1023), st.integers(0, 1023))


@given(st.lists(st.tuples(st.sampled_from(chestx_det.CLASSES), st.lists(CORNER, min_size=2))))
def test_corners_become_widths(drawn: list[tuple[str, list[tuple[int, int]]]]) -> None:
    boxes = [
        [f(p[axis] for p in points) for f in (min, max) for axis in (0, 1)] for _, points in drawn
    ]
    entry = {
        "file_name": "5.png",
        "syms": [label for label, _ in drawn],
        "boxes": boxes,
        "polygons": [[list(point) for point in points] for _, points in drawn],
    }
    images, found = chestx_det.parse_annotations(json.dumps([entry]).encode(), "here")
    assert images == ["5"] and [item.label for item in found] == entry["syms"]
    for item, box, (_, points) in zip(found, boxes, drawn):
        x, y, w, h = item.box
        assert [x, y, x + w, y + h] == box
        assert item.outline.tolist() == [list(map(float, point)) for point in points]
