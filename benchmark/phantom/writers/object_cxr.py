"""Writes object-CXR: the phantom's tubes, lines, leads and implants as foreign objects.

Image numbers begin at 90000; the real ones end at 10000. As in the Kaggle copy there is a test part
whose table says `image_path`.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np

from benchmark.phantom.population import draw_study, patient_of
from benchmark.phantom.render import render_view
from benchmark.phantom.writers.boxes import SMALLEST_MASK_PIXELS, mask_box
from benchmark.phantom.writers.common import Case, Setting, Written, csv_text
from benchmark.phantom.writers.images import jpeg_bytes, to_bytes
from benchmark.phantom.writers.mimic_cxr import crop

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmark.phantom.truth import Drawing, Study, View
    from benchmark.specs import PhantomSize

FOLDER = "object-cxr"
RULE = (
    "a foreign object is a device that changes at least 4 pixels of the picture by 0.02; its box "
    "is that of those pixels, its form by the kind of device; half of the images hold one"
)
SHARE = 0.06
"""Of the phantom's cases."""

FEWEST_CASES = 40
SPLITS = {"train": 0.75, "validate": 0.20, "test": 0.05}
"""Of the images; `validate` is the dev part, on which the papers test."""

PARTS = {"train": "train", "validate": "dev", "test": "test"}
POSITIVE_SHARE = 0.5
FIRST_IMAGE = 90_000
VISIBLE = 0.02
"""Change of brightness, of 1, from which on a device can be seen."""

RECTANGLE, ELLIPSE, POLYGON = "0", "1", "2"
KINDS = {"sternotomy_wires": RECTANGLE, "ecg_leads": RECTANGLE, "port": ELLIPSE}
"""Form of the annotation by device; every other one is a polygon."""


def cases(size: PhantomSize) -> list[Case]:
    """First visits in the order of the parts; in each part half of the studies have a device."""
    total = max(FEWEST_CASES, round(size.cases * SHARE))
    candidates = _candidates(size)
    chosen = []
    for split, share in SPLITS.items():
        count = round(total * share)
        places = {True: math.ceil(count * POSITIVE_SHARE)}
        places[False] = count - places[True]
        while any(places.values()):
            number, has_device = next(candidates)
            if places[has_device]:
                places[has_device] -= 1
                chosen.append(
                    Case("object_cxr", "object_cxr", number, size.prevalence, "nih", split)
                )
    return chosen


def _candidates(size: PhantomSize) -> Iterator[tuple[int, bool]]:
    """Numbers of first visits, and whether their picture has a device."""
    number = 0
    while True:
        if patient_of(number, size.seed, "object_cxr")[1] == 0:
            study = draw_study(size.seed, "object_cxr", number, size.prevalence, "nih")
            yield number, bool(study.views[0].devices)
        number += 1


def image_name(case: Case) -> str:
    """Five digits and the ending."""
    return f"{FIRST_IMAGE + case.number:05d}.jpg"


def write_case(case: Case, setting: Setting) -> Written:
    """Write the frontal view of a study.

    Returns:
        One row of the part's table: file name and annotation.
    """
    study, name = setting.study(case), image_name(case)
    random = setting.generator(case, "object_cxr")
    drawing = crop(draw_objects(study, study.views[0], setting.size), random)
    part = PARTS[case.split]
    content = jpeg_bytes(to_bytes(drawing.pixels), setting.tag)
    written = Written()
    written.save(setting, f"{FOLDER}/{part}/{name}", content)
    overlooked = random.random() < setting.dials.label_noise
    objects = [] if overlooked else annotate(study.views[0], drawing.masks)
    written.add(f"object_cxr_{part}", (name, ";".join(objects)))
    return written


def draw_objects(study: Study, view: View, size: int) -> Drawing:
    """The view with the masks of its devices, by index into `view.devices`.

    The devices are put in one after the other, in the order in which they are drawn, and a
    device's mask is what it changes: nothing else differs between two such pictures.
    """
    drawing = render_view(study, dataclasses.replace(view, devices=()), size)
    masks = {}
    for index in range(len(view.devices)):
        more = dataclasses.replace(view, devices=view.devices[: index + 1])
        added = render_view(study, more, size)
        masks[index] = np.abs(added.pixels - drawing.pixels) > VISIBLE
        drawing = added
    return dataclasses.replace(drawing, masks=masks)


def annotate(view: View, masks: Mapping[int, np.ndarray]) -> list[str]:
    """The visible devices in the file's form, in pixels of the masks."""
    found = []
    for index, device in enumerate(view.devices):
        if np.count_nonzero(masks[index]) < SMALLEST_MASK_PIXELS:
            continue
        kind = KINDS.get(device, POLYGON)
        if kind == POLYGON:
            numbers = hull(masks[index]).reshape(-1).tolist()
        else:
            x, y, width, height = mask_box(masks[index])
            numbers = [x, y, x + width, y + height]
        found.append(" ".join([kind, *map(str, numbers)]))
    return found


def hull(mask: np.ndarray) -> np.ndarray:
    """Corners (n, 2), as integer x and y, of the convex hull of a mask's pixels."""
    from scipy.spatial import ConvexHull

    rows, columns = np.nonzero(mask)
    places = np.stack([columns, rows], axis=1)
    corners = np.concatenate([places + step for step in ((0, 0), (1, 0), (0, 1), (1, 1))])
    return np.asarray(corners[ConvexHull(corners).vertices])


def write_tables(written: Written, setting: Setting) -> Written:
    """Write a table a part; the test part's names its images by path."""
    made = Written()
    for part in PARTS.values():
        rows = sorted(written.rows.get(f"object_cxr_{part}", []), key=lambda row: str(row[0]))
        header = "image_name"
        if part == "test":
            header, rows = "image_path", [(f"test/{row[0]}", row[1]) for row in rows]
        text = csv_text((header, "annotation"), rows)
        made.save(setting, f"{FOLDER}/{part}.csv", text.encode())
    return made
