from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmark.data.box_splits import boxed_rows
from benchmark.data.manifest import BOX_COLUMNS, Manifest
from benchmark.data.parts import overlaps
from benchmark.errors import MissingDataError


def manifest(count: int = 600) -> Manifest:
    """Three images a patient, of which two have boxes: of `Mass`, and some of `Nodule` besides."""
    rows = np.arange(count)
    images = pd.DataFrame(
        {
            "image": [f"i{row}" for row in rows],
            "path": "x.png",
            "patient": [f"p{row // 3}" for row in rows],
            "study": [f"s{row}" for row in rows],
            "view": "frontal",
            "split": "",
            "sex": "M",
            "age": 50.0,
        }
    )
    labels = pd.DataFrame({"Mass": (rows % 3 < 2) * 1.0, "Nodule": (rows % 30 == 0) * 1.0})
    drawn = [(f"i{row}", "Mass") for row in rows if row % 3 < 2]
    drawn += [(f"i{row}", "Nodule") for row in rows if row % 30 == 0]
    boxes = pd.DataFrame(drawn, columns=["image", "label"]).assign(
        phrase="", x=1.0, y=1.0, w=4.0, h=4.0, width=20, height=20, split=""
    )
    return Manifest("fake", "1", Path("fake"), images, labels, boxes[list(BOX_COLUMNS)])


def test_only_images_with_a_box_take_part_by_patient() -> None:
    made = manifest()
    rows = boxed_rows(made)
    assert len(rows.train) == 0
    assert set(rows.validation) | set(rows.test) == {row for row in range(600) if row % 3 < 2}
    assert overlaps(made, rows.validation, rows.test) == {"images": 0, "patients": 0}
    assert len(rows.validation) / 400 == pytest.approx(0.3, abs=0.02)
    assert rows.overlaps["left_out"] == 200
    nodules = np.intersect1d(rows.validation, np.arange(0, 600, 30))
    assert len(nodules) / 20 == pytest.approx(0.3, abs=0.11), "stratified by what the boxes show"


def test_the_order_of_the_rows_and_the_labels_move_nothing() -> None:
    made = manifest()
    again = boxed_rows(made.take(np.random.default_rng(0).permutation(600)))
    names = made.images["image"].to_numpy()
    shuffled = made.take(np.random.default_rng(0).permutation(600)).images["image"].to_numpy()
    first = boxed_rows(made)
    assert set(names[first.test]) == set(shuffled[again.test])
    unlabelled = dataclasses.replace(made, labels=made.labels * np.nan)
    assert np.array_equal(boxed_rows(unlabelled).test, first.test)
    assert not np.array_equal(boxed_rows(made, seed=1).test, first.test)


def test_without_boxes_there_is_nothing_to_split() -> None:
    made = manifest()
    with pytest.raises(MissingDataError, match="no image has a box"):
        boxed_rows(dataclasses.replace(made, boxes=made.boxes.iloc[:0]))
