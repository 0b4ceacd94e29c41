"""Writes MIMIC-CXR-JPG 2.0.0 and the reports of MIMIC-CXR 2.0.0.

Ids lie outside the real ranges: subjects begin with 2, studies with 6, image ids with `ffffffff`.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from benchmark.phantom.population import patient_of
from benchmark.phantom.reports import Report, compose_report
from benchmark.phantom.writers import ms_cxr
from benchmark.phantom.writers.common import Case, Cells, Setting, Written, csv_text, packed
from benchmark.phantom.writers.images import equalised, jpeg_bytes, to_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmark.phantom.truth import Drawing, Study

IMAGES = "mimic-cxr-jpg/2.0.0"
REPORTS = "mimic-cxr/2.0.0"
BLANK_VIEW_RATE = 0.04
"""Share of images whose ViewPosition is blank, as in the real metadata."""

LARGEST_CROP = 0.04
"""Of a side, cut at both ends of one axis, so that pictures are not all square."""

CHEXPERT = {
    "Atelectasis": ("Atelectasis",),
    "Cardiomegaly": ("Cardiomegaly",),
    "Consolidation": ("Consolidation",),
    "Edema": ("Edema",),
    "Enlarged Cardiomediastinum": (),
    "Fracture": (),
    "Lung Lesion": ("Mass", "Nodule"),
    "Lung Opacity": ("Lung Opacity", "Infiltration", "Consolidation", "Pneumonia"),
    "No Finding": (),
    "Pleural Effusion": ("Effusion",),
    "Pleural Other": ("Pleural_Thickening",),
    "Pneumonia": ("Pneumonia",),
    "Pneumothorax": ("Pneumothorax",),
    "Support Devices": (),
}
"""Label columns in the file's order, and the findings whose mention decides each.

`Lung Opacity` is affirmed by what is a kind of it; only its own first name denies it.
"""

_METADATA = [
    "dicom_id",
    "subject_id",
    "study_id",
    "PerformedProcedureStepDescription",
    "ViewPosition",
    "Rows",
    "Columns",
    "StudyDate",
    "StudyTime",
    "ProcedureCodeSequence_CodeMeaning",
    "ViewCodeSequence_CodeMeaning",
    "PatientOrientationCodeSequence_CodeMeaning",
]
_VIEW_CODES = {"PA": "postero-anterior", "AP": "antero-posterior", "LATERAL": "lateral"}
_EIGHT_DIGITS = 10_000_000
_POPULATIONS = ("mimic", "ms_cxr")


def subject_id(case: Case, patient_number: int) -> int:
    """Eight digits that begin with 2; multiplication by a unit of the ring spreads them."""
    index = patient_number * len(_POPULATIONS) + _POPULATIONS.index(case.population)
    return 2 * _EIGHT_DIGITS + (index * 7_654_321 + 1_234_567) % _EIGHT_DIGITS


def study_id(case: Case) -> int:
    """Eight digits that begin with 6, in no order of time."""
    index = case.number * len(_POPULATIONS) + _POPULATIONS.index(case.population)
    return 6 * _EIGHT_DIGITS + (index * 3_456_787 + 7_654_321) % _EIGHT_DIGITS


def image_id(setting: Setting, case: Case, view_index: int) -> str:
    """Five groups of eight hexadecimal digits, the first `ffffffff`."""
    digits = setting.digits(32, "mimic", case.population, case.number, view_index)
    return "-".join(["f" * 8, *(digits[start : start + 8] for start in range(0, 32, 8))])


def write_case(case: Case, setting: Setting) -> Written:
    """Write the images and the report of one study.

    Returns:
        Rows of `metadata`, `split`, `chexpert` and, with a grounding split, of MS-CXR's tables.
    """
    study = setting.study(case)
    subject, number = subject_id(case, study.patient.number), study_id(case)
    folder = f"p{str(subject)[:2]}/p{subject}"
    written = Written()
    report = compose_report(study, setting.dials, setting.generator(case, "report"))
    path = f"{REPORTS}/mimic-cxr-reports/files/{folder}/s{number}.txt"
    written.save(setting, path, report.text.encode())
    written.add("chexpert", (subject, number, *chexpert_labels(report)))
    written.add("study-list", (subject, number, f"files/{folder}/s{number}.txt"))
    random = setting.generator(case, "mimic")
    date, time = _date_and_time(study, setting, case)
    for index, view in enumerate(study.views):
        drawing = crop(setting.drawing(study, index), random)
        name = image_id(setting, case, index)
        place = f"files/{folder}/s{number}/{name}.jpg"
        picture = equalised(to_bytes(drawing.pixels))
        written.save(setting, f"{IMAGES}/{place}", jpeg_bytes(picture, setting.tag))
        written.add("split", (name, number, subject, case.split))
        written.add("record-list", (subject, number, name, place.replace(".jpg", ".dcm")))
        position: str = "" if random.random() < BLANK_VIEW_RATE else view.name
        if view.name == "LATERAL" and random.random() < 0.3:
            position = "LL"
        exam = "CHEST (PORTABLE AP)" if view.name == "AP" else "CHEST (PA AND LAT)"
        posture = "" if random.random() < 0.1 else "Recumbent" if view.name == "AP" else "Erect"
        written.add(
            "metadata",
            (
                *(name, subject, number, exam, position, *picture.shape, date, time, exam),
                *(_VIEW_CODES[view.name], posture),
            ),
        )
        if case.grounding_split and view.name != "LATERAL":
            phrases = setting.generator(case, "phrases")
            ms_cxr.add_pairs(written, case.grounding_split, study, drawing, place, phrases)
    return written


def chexpert_labels(report: Report) -> list[float | None]:
    """The 14 labels of a report: 1, 0, -1 (uncertain) or None (not mentioned)."""
    values: dict[str, float | None] = {}
    for column, findings in CHEXPERT.items():
        said = [
            report.mentions[name]
            for name in findings
            if report.mentions.get(name, 0.0) != 0.0
            or (name in report.mentions and (column != "Lung Opacity" or name == column))
        ]
        order = [value for value in (1.0, -1.0, 0.0) if value in said]
        values[column] = order[0] if order else None
    if report.devices:
        values["Support Devices"] = 1.0
    if all(value == 0.0 for value in report.mentions.values()):
        values["No Finding"] = 1.0
    return list(values.values())


def crop(drawing: Drawing, random: np.random.Generator) -> Drawing:
    """Cut up to 4 % off both ends of one axis, pixels and masks alike."""
    axis, cut = int(random.integers(2)), random.random() * LARGEST_CROP
    border = int(cut * drawing.pixels.shape[0])
    kept = slice(border, drawing.pixels.shape[0] - border)
    window = (kept, slice(None)) if axis == 0 else (slice(None), kept)
    return dataclasses.replace(
        drawing,
        pixels=drawing.pixels[window],
        masks={index: mask[window] for index, mask in drawing.masks.items()},
        lungs=drawing.lungs[(slice(None), *window)],
    )


def write_tables(written: Written, setting: Setting) -> Written:
    """Write the packed tables from the rows of all cases, sorted by patient and study."""
    rows, made = written.rows, Written()
    labels = ["subject_id", "study_id", *CHEXPERT]
    tables: Mapping[str, tuple[str, list[str]]] = {
        "metadata": (f"{IMAGES}/mimic-cxr-2.0.0-metadata.csv.gz", _METADATA),
        "split": (
            f"{IMAGES}/mimic-cxr-2.0.0-split.csv.gz",
            ["dicom_id", "study_id", "subject_id", "split"],
        ),
        "chexpert": (f"{IMAGES}/mimic-cxr-2.0.0-chexpert.csv.gz", labels),
        "record-list": (
            f"{REPORTS}/cxr-record-list.csv.gz",
            ["subject_id", "study_id", "dicom_id", "path"],
        ),
        "study-list": (f"{REPORTS}/cxr-study-list.csv.gz", ["subject_id", "study_id", "path"]),
    }
    for name, (path, header) in tables.items():
        keys = (header.index("subject_id"), header.index("study_id"))
        made.save(setting, path, packed(csv_text(header, _sorted(rows.get(name, []), keys))))
    labelled = _sorted(rows.get("chexpert", []), (0, 1))
    path = f"{IMAGES}/mimic-cxr-2.0.0-negbio.csv.gz"
    made.save(setting, path, packed(csv_text(labels, labelled)))
    return made


def _sorted(rows: Sequence[Cells], keys: tuple[int, int]) -> list[Cells]:
    """Rows by two integer columns; a stable sort, so views of a study keep their order."""
    return sorted(rows, key=lambda row: (int(str(row[keys[0]])), int(str(row[keys[1]]))))


def _date_and_time(study: Study, setting: Setting, case: Case) -> tuple[int, float]:
    """Date in the future and time of day as a number; later visits of a patient come later."""
    random = np.random.default_rng(study.patient.seed)
    year, month = int(random.integers(2110, 2190)), int(random.integers(1, 13))
    year += patient_of(case.number, setting.seed, case.population)[1]
    random = setting.generator(case, "date")
    hours, minutes, seconds = (int(random.integers(top)) for top in (24, 60, 60))
    clock = hours * 10_000 + minutes * 100 + seconds + round(float(random.random()), 3)
    return year * 10_000 + month * 100 + int(random.integers(1, 29)), round(clock, 3)
