"""Writes the RSNA Pneumonia Detection Challenge, stage 2. Ids begin with `ffffffff`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.phantom.prevalence import OPACITY_NAMES, RSNA_POSITIVE_RATE
from benchmark.phantom.writers.boxes import Box, finding_boxes, mask_box
from benchmark.phantom.writers.common import Case, Cells, Setting, Written, csv_text
from benchmark.phantom.writers.images import DicomFacts, dicom_bytes, to_bytes
from benchmark.phantom.writers.lists import write_rsna_lists

if TYPE_CHECKING:
    import numpy as np

    from benchmark.phantom.truth import Drawing, Study

FOLDER = "rsna-pneumonia-detection-challenge"
POSITIVE = "Lung Opacity"
NEGATIVE = "No Lung Opacity / Not Normal"
NORMAL = "Normal"

_SPACINGS_MM = (0.143, 0.168, 0.139, 0.171)


def patient_id(case: Case, setting: Setting) -> str:
    """A lower-case UUID whose first group is `ffffffff`; a patient is one image, as in RSNA."""
    digits = setting.digits(24, "rsna", case.population, case.number)
    return "-".join(["f" * 8, digits[:4], digits[4:8], digits[8:12], digits[12:]])


def write_case(case: Case, setting: Setting) -> Written:
    """Write the frontal view of a study.

    Positive is a study with a visible consolidation, pneumonia, infiltration or unspecific
    opacity; each has its box, a bilateral one two.

    Returns:
        Rows of `rsna` (id, split, class) and `rsna_boxes` (id, x, y, width, height), the boxes
        of training images in pixels of the stored image.
    """
    study, name = setting.study(case), patient_id(case, setting)
    random = setting.generator(case, "rsna")
    index = next(i for i, view in enumerate(study.views) if view.name != "LATERAL")
    drawing = setting.drawing(study, index)
    boxes = noisy_boxes(study, drawing, setting.dials.label_noise, random)
    facts = DicomFacts(
        patient_id=name,
        sex=study.patient.sex,
        age=study.patient.age,
        view=study.views[index].name,
        spacing_mm=_SPACINGS_MM[int(random.integers(len(_SPACINGS_MM)))],
        uid_number=int(setting.digits(24, "uid", case.population, case.number), 16),
    )
    part = "test" if case.split == "test" else "train"
    content = dicom_bytes(to_bytes(drawing.pixels), facts, setting.tag)
    written = Written()
    written.save(setting, f"{FOLDER}/stage_2_{part}_images/{name}.dcm", content)
    kind = POSITIVE if boxes else NEGATIVE if study.findings else NORMAL
    written.add("rsna", (name, case.split, kind))
    for box in boxes if part == "train" else ():
        written.add("rsna_boxes", (name, *box))
    return written


def noisy_boxes(
    study: Study, drawing: Drawing, noise: float, generator: np.random.Generator
) -> list[Box]:
    """Boxes of the opacities; with noise some studies lose theirs and a few gain a false one."""
    boxes = [
        box
        for index, finding in enumerate(study.findings)
        if finding.name in OPACITY_NAMES
        for box in finding_boxes(drawing, index, finding)
    ]
    draw, lung = generator.random(), drawing.lungs[int(generator.integers(2))]
    if boxes:
        return [] if draw < noise else boxes
    if draw < noise * RSNA_POSITIVE_RATE["real"] and lung.any():
        x, y, w, h = mask_box(lung)
        return [(x, y + h // 2, w, h - h // 2)]
    return []


def write_tables(written: Written, setting: Setting) -> Written:
    """Write labels and classes of the training images, the sample submission, the lists."""
    rows = sorted(written.rows.get("rsna", []), key=lambda row: str(row[0]))
    boxes: dict[str, list[Cells]] = {}
    for row in written.rows.get("rsna_boxes", []):
        boxes.setdefault(str(row[0]), []).append(row[1:])
    labels: list[Cells] = []
    classes: list[Cells] = []
    for name, split, kind in rows:
        if split == "test":
            continue
        for box in boxes.get(str(name), [()]):
            numbers: Cells = [float(str(value)) for value in box] or [None] * 4
            labels.append((name, *numbers, int(kind == POSITIVE)))
            classes.append((name, kind))
    header = ("patientId", "x", "y", "width", "height", "Target")
    sample = [(name, "0.5 0 0 100 100") for name, split, _ in rows if split == "test"]
    made = Written()
    files = {
        "stage_2_train_labels.csv": csv_text(header, labels),
        "stage_2_detailed_class_info.csv": csv_text(("patientId", "class"), classes),
        "stage_2_sample_submission.csv": csv_text(("patientId", "PredictionString"), sample),
    }
    for file_name, text in files.items():
        made.save(setting, f"{FOLDER}/{file_name}", text.encode())
    listed = [(name, split, int(kind == POSITIVE)) for name, split, kind in rows]
    made.merge(write_rsna_lists(listed, setting))
    return made
