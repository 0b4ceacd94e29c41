"""Writes NIH ChestX-ray14 (labels of the 2020 release). Patient numbers begin at 900001."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.phantom.population import patient_of
from benchmark.phantom.truth import NIH_CLASSES
from benchmark.phantom.writers.boxes import finding_boxes
from benchmark.phantom.writers.common import Case, Setting, Written
from benchmark.phantom.writers.images import png_bytes, to_bytes
from benchmark.phantom.writers.lists import write_nih_lists

if TYPE_CHECKING:
    import numpy as np

    from benchmark.phantom.truth import Drawing, Study

FOLDER = "nih-cxr14"
FRAME = 1024
"""Boxes are in a square of this side, whatever the size of the PNG."""

FIRST_PATIENT = 900_001
TEST_PATIENTS_FROM = 50_000
"""Added to the number of a test patient: the two populations number theirs from 0."""

BOXED = {
    "Atelectasis": "Atelectasis",
    "Cardiomegaly": "Cardiomegaly",
    "Effusion": "Effusion",
    "Infiltration": "Infiltrate",
    "Mass": "Mass",
    "Nodule": "Nodule",
    "Pneumonia": "Pneumonia",
    "Pneumothorax": "Pneumothorax",
}
"""The eight classes with boxes, and how the box file spells them."""

RGBA_RATE = 0.02
FALSE_POSITIVE_RATE = 0.05
"""Label noise adds an absent class at this share of its rate: about the classes' frequency."""

_HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]"
)
_BOX_HEADER = "Image Index,Finding Label,Bbox [x,y,w,h],,,"
_ORIGINALS = ((2500, 2048, 0.171), (2992, 2991, 0.143), (3056, 2544, 0.139), (2048, 2500, 0.168))


def image_name(case: Case, setting: Setting) -> str:
    """`00900001_000.png`: patient and number of the patient's image."""
    patient, visit = patient_of(case.number, setting.seed, case.population)
    patient += FIRST_PATIENT + (TEST_PATIENTS_FROM if case.split == "test" else 0)
    return f"{patient:08d}_{visit:03d}.png"


def write_case(case: Case, setting: Setting) -> Written:
    """Write the first frontal view of a study.

    Returns:
        Rows of `nih` (name, labels, age, sex, view, original size and spacing), `nih_boxes` and
        `nih_lists` (name, split, 14 zeros and ones).
    """
    study = setting.study(case)
    name, random = image_name(case, setting), setting.generator(case, "nih")
    index = next(i for i, view in enumerate(study.views) if view.name != "LATERAL")
    drawing = setting.drawing(study, index)
    content = png_bytes(to_bytes(drawing.pixels), setting.tag, rgba=random.random() < RGBA_RATE)
    written = Written()
    written.save(setting, f"{FOLDER}/images/{name}", content)
    labels = noisy_labels(study, setting.dials.label_noise, random)
    width, height, spacing = _ORIGINALS[int(random.integers(len(_ORIGINALS)))]
    person = (study.patient.age, study.patient.sex, study.views[index].name)
    finding = "|".join(labels) or "No Finding"
    written.add("nih", (name, finding, *person, width, height, spacing, spacing))
    written.add("nih_lists", (name, case.split, *(int(item in labels) for item in NIH_CLASSES)))
    if case.split == "test":
        _add_boxes(written, study, drawing, name, labels)
    return written


def noisy_labels(study: Study, noise: float, generator: np.random.Generator) -> tuple[str, ...]:
    """The study's classes; with noise some are dropped and a few others added."""
    draws = generator.random(len(NIH_CLASSES))
    labels = []
    for name, draw in zip(NIH_CLASSES, draws, strict=True):
        present = study.has(name)
        if draw >= noise if present else draw < noise * FALSE_POSITIVE_RATE:
            labels.append(name)
    return tuple(labels)


def _add_boxes(
    written: Written, study: Study, drawing: Drawing, name: str, labels: tuple[str, ...]
) -> None:
    """One box an image and class: the official file has no pair twice, so none with two parts."""
    height, width = drawing.pixels.shape
    for index, finding in enumerate(study.findings):
        if finding.name not in BOXED or finding.name not in labels:
            continue
        boxes = finding_boxes(drawing, index, finding)
        if len(boxes) != 1 or finding.side == "bilateral":
            continue
        x, y, w, h = boxes[0]
        across, down = FRAME / width, FRAME / height
        scaled = (x * across, y * down, w * across, h * down)
        written.add("nih_boxes", (name, BOXED[finding.name], *scaled))


def write_tables(written: Written, setting: Setting) -> Written:
    """Write the label table, the boxes, the official lists and the published ones."""
    made = Written()
    entries = _entries(written, setting)
    text = "\n".join([_HEADER, *entries]) + "\n"
    made.save(setting, f"{FOLDER}/Data_Entry_2017_v2020.csv", text.encode())
    boxes = [",".join(str(cell) for cell in row) for row in written.rows.get("nih_boxes", [])]
    text = "\n".join([_BOX_HEADER, *boxes]) + "\n"
    made.save(setting, f"{FOLDER}/BBox_List_2017.csv", text.encode())
    rows = sorted(written.rows.get("nih_lists", []), key=lambda row: str(row[0]))
    train = [str(row[0]) for row in rows if row[1] != "test"]
    test = [str(row[0]) for row in rows if row[1] == "test"]
    made.save(setting, f"{FOLDER}/train_val_list.txt", "\n".join(train).encode())
    made.save(setting, f"{FOLDER}/test_list.txt", "\n".join(test).encode())
    made.merge(write_nih_lists(rows, setting))
    return made


def _entries(written: Written, setting: Setting) -> list[str]:
    """Lines by patient and follow-up; the follow-up is renumbered, unlike the file's number."""
    people: dict[int, list[tuple[object, ...]]] = {}
    for row in sorted(written.rows.get("nih", []), key=lambda row: str(row[0])):
        people.setdefault(int(str(row[0])[:8]), []).append(tuple(row))
    lines = []
    for patient, rows in people.items():
        turned = int(setting.digits(1, "follow-up", patient), 16) < 4
        for follow_up, row in enumerate(reversed(rows) if turned else rows):
            name, finding, *facts = row
            lines.append(",".join(map(str, (name, finding, follow_up, patient, *facts))))
    return lines
