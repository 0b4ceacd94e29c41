"""Writes COVID Rural: colour JPEGs, masks of 0 and 1. Patient numbers begin with 99."""

from __future__ import annotations

import base64
import json
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from benchmark.phantom import pneumonia
from benchmark.phantom.population import patient_of
from benchmark.phantom.prevalence import OPACITY_NAMES
from benchmark.phantom.writers.common import Case, Setting, Written, csv_text
from benchmark.phantom.writers.images import jpeg_bytes, png_bytes, to_bytes

if TYPE_CHECKING:
    from benchmark.phantom.truth import Drawing, Study
    from benchmark.specs import PhantomSize

FOLDER = "opacity_segmentation_covid_chest_X_ray-master"
RULE = (
    "the mask holds the opacities that are seen; seven patients of eight have COVID-19, one has "
    f"no opacity and an empty mask. {pneumonia.RULE}"
)
SHARE, FEWEST_CASES = 0.05, 40
BLOCK: tuple[pneumonia.Cause, ...] = (*("covid",) * 7, "none")
SPLITS = {"train": 0.6, "validate": 0.2, "test": 0.2}
"""Of the patients. The layout has no place for it: readers split the set themselves."""

UNSEGMENTED_EVERY = 30
"""One of so many studies has a second radiograph, of the next day, that nobody segmented."""

FIRST_PATIENT = 99_000_000
_FIRST_DAY = date(1911, 12, 1)
_ANNOTATIONS = f"{FOLDER}/covid_rural_annot"
_PATIENT_HEADER = (
    "PATIENT_ID,AGE,SEX,RACE,ZIP,LATEST_BMI,LATEST WEIGHT,LATEST_HEIGHT_inches,TUBERCULOSIS,"
    "COVID TEST POSITIVE,TEST NAME,ICU Admit,# ICU admits,MORTALITY"
)
_NOTES_HEADER = (
    "patient_id,Diag to img study (days),Diagnosis to Imaging time (hrs),Image Study Description,"
    "Radiologist KEY FINDINGS"
)


def cases(size: PhantomSize) -> list[Case]:
    """A twentieth of the phantom's cases."""
    count = max(FEWEST_CASES, round(size.cases * SHARE))
    return pneumonia.allot_causes(size, "covid_rural", count, BLOCK, SPLITS)


def study_of(case: Case, setting: Setting) -> Study:
    """The truth of a case."""
    patient = patient_of(case.number, setting.seed, case.population)[0]
    cause = pneumonia.cause_of(setting.seed, case.population, patient, BLOCK)
    return pneumonia.pneumonia_study(setting.seed, case, cause)


def stem(case: Case, setting: Setting, later: int = 0) -> str:
    """`COVID-19-AR-99000012_12-05-1911-XR`: patient and day of the image.

    Args:
        case: Visits of a patient are two days apart.
        setting: Its seed says whose visit it is.
        later: Days after the visit.
    """
    patient, visit = patient_of(case.number, setting.seed, case.population)
    day = _FIRST_DAY + timedelta(days=patient % 40 + 2 * visit + later)
    return f"{patient_name(patient)}_{day:%m-%d-%Y}-XR"


def patient_name(patient: int) -> str:
    """A name outside those of the collection."""
    return f"COVID-19-AR-{FIRST_PATIENT + patient}"


def opacity_mask(study: Study, drawing: Drawing) -> np.ndarray:
    """Union of the masks of all opacities, as booleans."""
    mask = np.zeros(drawing.pixels.shape, dtype=bool)
    for index, finding in enumerate(study.findings):
        if finding.name in OPACITY_NAMES:
            mask |= drawing.masks[index]
    return mask


def write_case(case: Case, setting: Setting) -> Written:
    """Write the radiograph of a study, its mask and its outlines.

    Returns:
        Rows of `patients` and of `notes`, as in the tables of those names.
    """
    study, name = study_of(case, setting), stem(case, setting)
    drawing = setting.drawing(study, 0)
    mask = opacity_mask(study, drawing)
    content = jpeg_bytes(np.stack([to_bytes(drawing.pixels)] * 3, axis=2), setting.tag)
    written = Written()
    written.save(setting, f"{_ANNOTATIONS}/jpgs/{name}.jpg", content)
    masked = png_bytes(mask.astype(np.uint8), setting.tag)
    written.save(setting, f"{_ANNOTATIONS}/pngs_masks/{name}.png", masked)
    outlines = json.dumps(_outlines(name, drawing, mask, content), indent=2)
    written.save(setting, f"{_ANNOTATIONS}/jpgs/jsons/{name}.json", outlines.encode())
    if case.number % UNSEGMENTED_EVERY == 0:
        again = f"{_ANNOTATIONS}/jpgs/{stem(case, setting, later=1)}.jpg"
        written.save(setting, again, content)
    _add_rows(written, study, case, bool(mask.any()))
    return written


def _add_rows(written: Written, study: Study, case: Case, opaque: bool) -> None:
    person = study.patient
    name = patient_name(person.number)
    bmi = f"{26 + 8 * person.habitus:.1f}" if person.number % 5 else "NULL"
    facts = (person.age, person.sex, "NULL", "NULL", bmi, "NULL", "NULL", "N")
    written.add("patients", (name, *facts, "Y", "PCR", "N", 0, 0))
    view = study.views[0].name
    words = "Bilateral opacities, mostly basal" if opaque else "No effusion, no opacity"
    written.add("notes", (name, case.number % 6, case.number % 140, f"XR CHEST {view}", words))
    if case.number % 9 == 0:
        written.add("notes", (name, -1, -3, "CT PE CHEST", "The lungs are as described"))


def _outlines(name: str, drawing: Drawing, mask: np.ndarray, picture: bytes) -> dict[str, object]:
    """The labelme file: polygons of lungs and opacities, with the collection's misspelt label."""
    right, left = drawing.lungs
    parts = [("right_lung", right), ("left_lung", left)]
    parts += [("groud_glass_opacity", mask & lung) for lung in (right, left)]
    common: dict[str, object] = {"group_id": None, "shape_type": "polygon", "flags": {}}
    return {
        "version": "4.5.6",
        "flags": {},
        "shapes": [
            {"label": label, "points": outline(inside), **common}
            for label, inside in parts
            if inside.any()
        ],
        "imagePath": f"..\\{name}.jpg",
        "imageData": base64.b64encode(picture).decode(),
        "imageHeight": mask.shape[0],
        "imageWidth": mask.shape[1],
    }


def outline(inside: np.ndarray) -> list[list[float]]:
    """A polygon [x, y] around a region: its left ends downwards, then its right ends upwards."""
    rows = np.flatnonzero(inside.any(axis=1))
    left = [[float(np.flatnonzero(inside[row])[0]), float(row)] for row in rows]
    right = [[float(np.flatnonzero(inside[row])[-1]), float(row)] for row in rows]
    return left + right[::-1]


def write_tables(written: Written, setting: Setting) -> Written:
    """Write the table of patients, one row each, and the radiologists' notes."""
    made = Written()
    people = {str(row[0]): row for row in written.rows.get("patients", [])}
    notes = sorted(written.rows.get("notes", []), key=lambda row: str(row[0]))
    for file, header, rows in (
        ("covid_rural_patient_info", _PATIENT_HEADER, [people[name] for name in sorted(people)]),
        ("covid_rural_radiologist_notes", _NOTES_HEADER, notes),
    ):
        text = csv_text(header.split(","), rows)
        made.save(setting, f"{_ANNOTATIONS}/{file}.csv", text.encode())
    return made
