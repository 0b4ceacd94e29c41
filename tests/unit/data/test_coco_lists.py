from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.data.coco_lists import coco_files, find_coco_lists, parse_coco
from benchmark.errors import BadDataError


def coco(names: list[str], boxes: list[int]) -> dict[str, Any]:
    """A COCO file; `boxes` holds the position of each box's image."""
    return {
        "images": [
            {"id": 10 + n, "width": 9, "height": 9, "file_name": f"png_all/{name}.png"}
            for n, name in enumerate(names)
        ],
        "categories": [{"id": 0, "name": "none"}, {"id": 1, "name": "some"}],
        "annotations": [
            {"id": n, "image_id": 10 + image, "bbox": [1.0, 2.0, 3.0, 4.0], "category_id": 1}
            for n, image in enumerate(boxes)
        ],
    }


def test_lists_of_all_parts(tmp_path: Path) -> None:
    folder = tmp_path / "splits_maco"
    folder.mkdir()
    (folder / "rsna_train_coco_format.json").write_text(json.dumps(coco(["a", "b"], [0, 1, 1])))
    (folder / "rsna_train_1.json").write_text(json.dumps(coco(["b"], [0])))
    (folder / "rsna_val_coco_format.json").write_text(json.dumps(coco(["c"], [])))
    with gzip.open(folder / "rsna_test_coco_format.json.gz", "wt") as file:
        json.dump(coco(["d"], [0]), file)
    (folder / "rsna_notes.txt").write_text("nothing")
    (folder / "mimic_test.json").write_text("{}")
    assert set(coco_files(folder, "rsna_")) == {
        ("train", 100), ("train", 1), ("validation", 0), ("test", 0),
    }  # fmt: skip
    for root in (tmp_path, tmp_path / "set"):
        table = find_coco_lists(root, "rsna_", "Lung Opacity")["maco_detection"]
        assert dict(zip(table["image"], table["split"])) == {
            "a": "train", "b": "train", "c": "validation", "d": "test",
        }  # fmt: skip
        assert dict(zip(table["image"], table["Lung Opacity"])) == {"a": 1, "b": 1, "c": 0, "d": 1}
        rows = table.set_index("image")
        assert rows["in_1"].to_dict() == {"a": False, "b": True, "c": False, "d": False}
        assert rows.loc[["a", "b"], "in_100"].all()
        assert rows["subset"].to_dict() == {"a": 100, "b": 1, "c": 100, "d": 100}
    assert find_coco_lists(Path("/nowhere"), "rsna_", "x", folder)
    assert find_coco_lists(Path("/nowhere"), "rsna_", "x", tmp_path)
    assert find_coco_lists(tmp_path / "1" / "2" / "3", "rsna_", "x") == {}


@pytest.mark.parametrize(
    "text", ["[]", "{}", "no", '{"images": [], "annotations": [{"image_id": 1}]}']
)
def test_files_that_are_no_coco_files(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rsna_test.json"
    path.write_text(text)
    with pytest.raises(BadDataError, match="COCO"):
        parse_coco(path)


@settings(deadline=None)
@given(
    counts=st.lists(st.integers(0, 4), max_size=12),
    names=st.lists(st.from_regex(r"[0-9a-f]{4}-[0-9a-f]{4}", fullmatch=True), unique=True),
)
def test_any_file_comes_back(
    tmp_path_factory: pytest.TempPathFactory, counts: list[int], names: list[str]
) -> None:
    counts, names = counts[: len(names)], names[: len(counts)]
    boxes = [image for image, count in enumerate(counts) for _ in range(count)]
    path = tmp_path_factory.mktemp("coco") / "x_test.json"
    path.write_text(json.dumps(coco(names, boxes)))
    table = parse_coco(path)
    assert table["image"].tolist() == names
    assert table["boxes"].tolist() == counts
