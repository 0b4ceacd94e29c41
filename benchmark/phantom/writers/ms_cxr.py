"""Writes MS-CXR 1.1.0: COCO JSON and CSV; several rows a pair, duplicated image records."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from benchmark.phantom.phrases import MS_CXR_NAMES, ms_cxr_phrase
from benchmark.phantom.truth import MS_CXR_CLASSES
from benchmark.phantom.writers.boxes import finding_boxes
from benchmark.phantom.writers.common import Setting, Written, csv_text

if TYPE_CHECKING:
    import numpy as np

    from benchmark.phantom.truth import Drawing, Study

FOLDER = "ms-cxr/1.1.0"
STEM = "MS_CXR_Local_Alignment_v1.1.0"
DUPLICATE_EVERY = 14
"""Of so many pictures one has a second record with an id of its own (1,120 for 1,047 really)."""

_HEADER = (
    *("dicom_id", "category_name", "label_text", "path", "x", "y", "w", "h"),
    *("image_width", "image_height", "split"),
)


def add_pairs(
    written: Written,
    split: str,
    study: Study,
    drawing: Drawing,
    path: str,
    generator: np.random.Generator,
) -> None:
    """Add the rows (table `ms_cxr`) of every finding of the eight classes seen in a picture.

    Args:
        written: Receives one row a box.
        split: `train`, `val` or `test`.
        study: The truth.
        drawing: A frontal view as it is stored: boxes are in its pixels.
        path: Of the image, from `files/`.
        generator: Draws the phrases.
    """
    height, width = drawing.pixels.shape
    name = path.rsplit("/", 1)[-1].removesuffix(".jpg")
    for index, finding in enumerate(study.findings):
        if finding.name not in MS_CXR_NAMES:
            continue
        phrase, category = ms_cxr_phrase(finding, generator), MS_CXR_NAMES[finding.name]
        for box in finding_boxes(drawing, index, finding):
            written.add("ms_cxr", (name, category, phrase, path, *box, width, height, split))


def write_tables(written: Written, setting: Setting) -> Written:
    """Write the CSV and the JSON of all pairs."""
    rows = sorted(written.rows.get("ms_cxr", []), key=lambda row: str(row[3]))
    made = Written()
    made.save(setting, f"{FOLDER}/{STEM}.csv", csv_text(_HEADER, rows).encode())
    table = [dict(zip(_HEADER, row, strict=True)) for row in rows]
    made.save(setting, f"{FOLDER}/{STEM}.json", json.dumps(_coco(table), indent=1).encode())
    return made


def _coco(table: list[dict[str, Any]]) -> dict[str, Any]:
    numbers = {name: number for number, name in enumerate(MS_CXR_CLASSES, 1)}
    images: list[dict[str, Any]] = []
    records: dict[str, list[int]] = {}
    for row in table:
        if row["path"] in records:
            continue
        copies = 2 if len(records) % DUPLICATE_EVERY == 0 else 1
        records[row["path"]] = list(range(len(images), len(images) + copies))
        images += [
            {
                "id": number,
                "file_name": f"{row['dicom_id']}.jpg",
                "path": row["path"],
                "width": row["image_width"],
                "height": row["image_height"],
                "num_annotations": 0,
            }
            for number in records[row["path"]]
        ]
    notes = []
    for number, row in enumerate(table, 1):
        # Annotations of a doubled picture go to its records in turn.
        copies_of = records[row["path"]]
        image = copies_of[number % len(copies_of)]
        images[image]["num_annotations"] += 1
        notes.append(
            {
                "id": number,
                "image_id": image,
                "category_id": numbers[row["category_name"]],
                "bbox": [row["x"], row["y"], row["w"], row["h"]],
                "width": row["image_width"],
                "height": row["image_height"],
                "label_text": row["label_text"],
                "split": row["split"],
            }
        )
    categories = [{"id": number, "name": name} for name, number in numbers.items()]
    info = {"version": "1.1.0", "description": "synthetic phrases on phantom radiographs"}
    return {"info": info, "categories": categories, "images": images, "annotations": notes}
