"""Writes the COVID-19 image data collection in its form of June 2020, and MRM's lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmark.phantom import pneumonia
from benchmark.phantom.population import patient_of
from benchmark.phantom.writers.common import Case, Cells, Setting, Written, csv_text
from benchmark.phantom.writers.images import jpeg_bytes, png_bytes, to_bytes
from benchmark.phantom.writers.lists import FOLDER as LISTS_FOLDER
from benchmark.seeds import generator_from

if TYPE_CHECKING:
    from benchmark.phantom.truth import Study
    from benchmark.specs import PhantomSize

FOLDER = "covid-chestxray-dataset"
LISTS = f"{LISTS_FOLDER}/COVID-19_Image_Data_Collection"
RULE = (
    "the finding names the patient's cause; of eleven patients five have COVID-19, one another "
    "viral, three a bacterial and one another pneumonia, and one has none; supine views, no "
    f"finding and todo take part in no task; MRM's lists are by patient here. {pneumonia.RULE}"
)
SHARE, FEWEST_CASES = 0.08, 80
BLOCK: tuple[pneumonia.Cause, ...] = (
    *("covid",) * 5,
    "viral",
    *("bacterial",) * 3,
    "other",
    "none",
)
SPLITS = {"train": 0.7, "validate": 0.1, "test": 0.2}
"""Of the patients of each cause, in MRM's lists; the table itself has no split."""

FINDINGS: dict[pneumonia.Cause, tuple[str, ...]] = {
    "covid": ("COVID-19", "COVID-19", "COVID-19, ARDS"),
    "viral": ("SARS", "Varicella", "Influenza"),
    "bacterial": ("Streptococcus", "Klebsiella", "Mycoplasma Bacterial Pneumonia", "Legionella"),
    "other": ("Pneumocystis", "Lipoid", "Pneumonia"),
    "none": ("No Finding", "No Finding", "todo"),
}
"""How the table spells a cause; a patient keeps one spelling."""

SUPINE_EVERY, CT_EVERY = 5, 25
"""Of the AP views one in so many is supine; one study in so many has a row of a CT volume, whose
file is not there."""

FIRST_PATIENT = 90_001
_ENDINGS = ("jpg", "png", "jpeg")
_HEADER = (
    "patientid,offset,sex,age,finding,survival,intubated,intubation_present,went_icu,in_icu,"
    "needed_supplemental_O2,extubated,temperature,pO2_saturation,leukocyte_count,neutrophil_count,"
    "lymphocyte_count,view,modality,date,location,folder,filename,doi,url,license,clinical_notes,"
    "other_notes,"
)


def cases(size: PhantomSize) -> list[Case]:
    """Eight of a hundred of the phantom's cases."""
    count = max(FEWEST_CASES, round(size.cases * SHARE))
    return pneumonia.allot_causes(size, "covid_idc", count, BLOCK, SPLITS)


def cause_of(case: Case, setting: Setting) -> pneumonia.Cause:
    """The cause that is drawn."""
    patient = patient_of(case.number, setting.seed, case.population)[0]
    return pneumonia.cause_of(setting.seed, case.population, patient, BLOCK)


def file_name(case: Case, setting: Setting) -> str:
    """`phantom-000012.jpg`; the visits of a patient share the stem and differ in the ending."""
    patient, visit = patient_of(case.number, setting.seed, case.population)
    return f"phantom-{patient:06d}.{_ENDINGS[visit]}"


def write_case(case: Case, setting: Setting) -> Written:
    """Write the frontal view of a study in one of the forms that the collection holds.

    Returns:
        Rows of `metadata` (the cells of the table) and of `lists` (file name, split, label of
        COVID-19, label of viral or None).
    """
    cause = cause_of(case, setting)
    study = pneumonia.pneumonia_study(setting.seed, case, cause)
    name, random = file_name(case, setting), setting.generator(case, "covid_idc")
    grey = to_bytes(setting.drawing(study, 0).pixels)
    written = Written()
    written.save(setting, f"{FOLDER}/images/{name}", _encoded(grey, name, setting, random))
    view: str = study.views[0].name
    if view == "AP" and random.integers(SUPINE_EVERY) == 0:
        view = "AP Supine"
    labelled = _written_cause(cause, setting, random)
    finding = _finding(labelled, study, setting)
    written.add("metadata", _row(study, case, finding, view, "X-ray", "images", name))
    if case.number % CT_EVERY == 0:
        volume = f"{name.partition('.')[0]}.nii.gz"
        written.add("metadata", _row(study, case, finding, "Axial", "CT", "volumes", volume))
    if view != "AP Supine" and labelled != "none":
        viral = None if labelled == "other" else int(labelled in ("covid", "viral"))
        written.add("lists", (name, case.split, int(labelled == "covid"), viral))
    return written


def _encoded(grey: np.ndarray, name: str, setting: Setting, random: np.random.Generator) -> bytes:
    """Grey or with colour channels; that says nothing of the cause."""
    colour = bool(random.integers(2))
    if name.endswith(".png"):
        return png_bytes(grey, setting.tag, rgba=colour)
    return jpeg_bytes(np.stack([grey] * 3, axis=2) if colour else grey, setting.tag)


def _written_cause(
    cause: pneumonia.Cause, setting: Setting, random: np.random.Generator
) -> pneumonia.Cause:
    """The cause, or with label noise that of any patient."""
    draw, other = random.random(), BLOCK[int(random.integers(len(BLOCK)))]
    return other if draw < setting.dials.label_noise else cause


def _finding(cause: pneumonia.Cause, study: Study, setting: Setting) -> str:
    random = generator_from("phantom", setting.seed, "finding", "covid_idc", study.patient.number)
    return FINDINGS[cause][int(random.integers(len(FINDINGS[cause])))]


def _row(
    study: Study, case: Case, finding: str, view: str, modality: str, folder: str, name: str
) -> Cells:
    person = study.patient
    known = {
        "patientid": FIRST_PATIENT + person.number,
        "offset": case.number % 12 if person.number % 3 else "",
        "sex": person.sex if person.number % 7 else "",
        "age": person.age if person.number % 6 else "",
        "finding": finding,
        "view": view,
        "modality": modality,
        "location": "Nowhere, in a phantom",
        "folder": folder,
        "filename": name,
        "license": "synthetic",
        "clinical_notes": "Synthetic, no patient",
    }
    return [known.get(column, "") for column in _HEADER.split(",")]


def write_tables(written: Written, setting: Setting) -> Written:
    """Write `metadata.csv` (its first file listed twice) and one of MRM's splits of each task."""
    made = Written()
    header = _HEADER.split(",")
    place = header.index("filename")
    rows = sorted(written.rows.get("metadata", []), key=lambda row: (str(row[0]), str(row[place])))
    text = csv_text(header, [*rows, rows[0]])
    made.save(setting, f"{FOLDER}/metadata.csv", text.encode())
    lists = sorted(written.rows.get("lists", []), key=lambda row: str(row[0]))
    for task, column in (("covid", 2), ("viral", 3)):
        order = generator_from("phantom", setting.seed, "lists", task).permutation(len(lists))
        shuffled = [lists[index] for index in order if lists[index][column] is not None]
        for short, split in (("train", "train"), ("val", "validate"), ("test", "test")):
            lines = [f"{row[0]} {row[column]}\n" for row in shuffled if row[1] == split]
            path = f"{LISTS}/{task}1/is{task}_{short}.txt"
            made.save(setting, path, "".join([*lines, "\n"]).encode())
    return made
