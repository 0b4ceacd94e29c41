"""Writes CheXpert-v1.0-small, with the labels of its test set. Patient numbers begin at 70001."""

from __future__ import annotations

import math
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from benchmark.data.strata import patient_order
from benchmark.phantom.population import draw_study, patient_of
from benchmark.phantom.reports import compose_report
from benchmark.phantom.writers import lists
from benchmark.phantom.writers.common import Case, Cells, Setting, Written, csv_text
from benchmark.phantom.writers.images import jpeg_bytes, to_bytes
from benchmark.phantom.writers.mimic_cxr import CHEXPERT, chexpert_labels, crop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmark.phantom.truth import Study
    from benchmark.specs import PhantomSize

FOLDER = "CheXpert-v1.0-small"
RULE = (
    "training labels are what a report mentions, -1 where it hedges; labels of valid and test are "
    "the truth, whether it shows or not; both are enriched whatever the prevalence; Enlarged "
    "Cardiomediastinum and Fracture are never drawn"
)
CLASSES = (
    "No Finding",
    "Enlarged Cardiomediastinum",
    "Cardiomegaly",
    "Lung Opacity",
    "Lung Lesion",
    "Edema",
    "Consolidation",
    "Pneumonia",
    "Atelectasis",
    "Pneumothorax",
    "Pleural Effusion",
    "Pleural Other",
    "Fracture",
    "Support Devices",
)
"""Label columns in the order of the files."""

LISTED = {
    "Atelectasis": 1,
    "Cardiomegaly": 0,
    "Consolidation": 0,
    "Edema": 1,
    "Pleural Effusion": 1,
}
"""Classes of the published lists in their order, and what an uncertain label is written as."""

SHARE, FEWEST_CASES = 0.12, 160
"""Of a phantom's cases; as few still show each listed class in every part."""

TEST_SHARE = 0.22
"""Of these cases are in `valid`, and as many in `test`."""

TEST_POSITIVE_SHARE = 0.19
"""Of the studies of `valid` and of `test` hold each listed class at least."""

VALIDATION_SHARE = 0.125
"""Of the training patients stand in the validation list."""

LATERAL_RATE = 0.35
"""Of the lateral views are kept: every sixth study has one, as in the release."""

FIRST_PATIENT = 70_001
LARGEST_AGE = 90
PARTS = {"chexpert_train": "train", "chexpert_valid": "valid", "chexpert_test": "test"}
"""Folder by population."""

_HEADER = ("Path", "Sex", "Age", "Frontal/Lateral", "AP/PA", *CLASSES)
_SEX = {"M": "Male", "F": "Female"}


def cases(size: PhantomSize) -> list[Case]:
    """Training studies in their natural mix, then those of `valid` and `test`."""
    total = max(FEWEST_CASES, round(size.cases * SHARE))
    tests = round(total * TEST_SHARE)
    train = [
        Case("chexpert", "chexpert_train", number, size.prevalence, "mimic", split)
        for number, split in enumerate(_list_splits(size, total - 2 * tests))
    ]
    return train + [
        Case("chexpert", population, number, "enriched", "mimic", "test")
        for population in ("chexpert_valid", "chexpert_test")
        for number in choose_tests(size.seed, population, tests)
    ]


def choose_tests(seed: int, population: str, wanted: int) -> list[int]:
    """Numbers of first visits such that each listed class has its share of them.

    A study without a class that is still lacking is taken while there is room for it.
    """
    lacking = dict.fromkeys(LISTED, math.ceil(wanted * TEST_POSITIVE_SHARE))
    chosen: list[int] = []
    for number in count():
        if len(chosen) == wanted:
            break
        if patient_of(number, seed, population)[1]:
            continue
        present = _present(draw_study(seed, population, number, "enriched", "mimic"))
        needed = sum(left for left in lacking.values() if left > 0)
        if wanted - len(chosen) > needed or any(lacking.get(name, 0) > 0 for name in present):
            chosen.append(number)
            lacking = {name: left - (name in present) for name, left in lacking.items()}
    return chosen


def _list_splits(size: PhantomSize, wanted: int) -> list[str]:
    """`train` or `validate` for the first studies; whole patients, every listed class in both."""
    studies = [
        draw_study(size.seed, "chexpert_train", number, size.prevalence, "mimic")
        for number in range(wanted)
    ]
    patients = np.array([str(study.patient.number) for study in studies])
    truth = np.array([[float(name in _present(study)) for name in LISTED] for study in studies])
    axes = ("phantom", size.seed, "lists", "chexpert")
    order = patient_order(patients, truth, axes, cover=True).patients
    held_out = set(order[: round(len(order) * VALIDATION_SHARE)])
    return ["validate" if patient in held_out else "train" for patient in patients]


def _present(study: Study) -> set[str]:
    """Columns that are true of a study, devices left aside."""
    return {column for column, names in CHEXPERT.items() if any(study.has(name) for name in names)}


def true_labels(study: Study) -> dict[str, float]:
    """The 14 labels of those who look at the picture: 1 or 0."""
    present = _present(study)
    if not study.findings:
        present.add("No Finding")
    if any(view.devices for view in study.views):
        present.add("Support Devices")
    return {name: float(name in present) for name in CLASSES}


def reported_labels(study: Study, case: Case, setting: Setting) -> dict[str, float | None]:
    """The 14 labels of a report on the study: 1, 0, -1 (hedged) or None (not mentioned)."""
    report = compose_report(study, setting.dials, setting.generator(case, "report"))
    return dict(zip(CHEXPERT, chexpert_labels(report), strict=True))


def study_folder(case: Case, setting: Setting) -> str:
    """`patient70001/study1`: patient and number of the patient's study."""
    patient, visit = patient_of(case.number, setting.seed, case.population)
    number = FIRST_PATIENT + patient * len(PARTS) + list(PARTS).index(case.population)
    return f"patient{number:05d}/study{visit + 1}"


def write_case(case: Case, setting: Setting) -> Written:
    """Write the views of a study.

    Returns:
        Rows of `chexpert_train` and `chexpert_valid` as in the files, one a view; of
        `chexpert_test` (study, labels), one a study; of `chexpert_lists` (path, split, labels).
    """
    study, part = setting.study(case), PARTS[case.population]
    labels: dict[str, float | None] = {**true_labels(study)}
    if part == "train":
        labels = reported_labels(study, case, setting)
    random = setting.generator(case, "chexpert")
    folder = study_folder(case, setting)
    written = Written()
    person = (_SEX[study.patient.sex], min(study.patient.age, LARGEST_AGE))
    number = 0
    for index, view in enumerate(study.views):
        lateral = view.name == "LATERAL"
        if lateral and random.random() >= LATERAL_RATE:
            continue
        number += 1
        kind = "Lateral" if lateral else "Frontal"
        path = f"{part}/{folder}/view{number}_{kind.lower()}.jpg"
        picture = to_bytes(crop(setting.drawing(study, index), random).pixels)
        written.save(setting, f"{FOLDER}/{path}", jpeg_bytes(picture, setting.tag))
        if part != "test":
            facts = (*person, kind, "" if lateral else view.name)
            values = [labels[name] for name in CLASSES]
            written.add(f"chexpert_{part}", (f"{FOLDER}/{path}", *facts, *values))
            listed = [_listed(labels[name], name) for name in LISTED]
            written.add("chexpert_lists", (f"{FOLDER}/{path}", case.split, *listed))
    if part == "test":
        values = [int(labels[name] or 0) for name in CLASSES]
        written.add("chexpert_test", (f"CheXpert-v1.0/test/{folder}", *values))
    return written


def _listed(label: float | None, name: str) -> int:
    """A label of the lists: what is not mentioned is absent, what is uncertain goes by class."""
    return LISTED[name] if label == -1 else int(label or 0)


def write_tables(written: Written, setting: Setting) -> Written:
    """Write `train.csv`, `valid.csv`, the test labels by study, and the published lists."""
    made = Written()
    for part in ("train", "valid"):
        rows = _sorted(written.rows.get(f"chexpert_{part}", []))
        made.save(setting, f"{FOLDER}/{part}.csv", csv_text(_HEADER, rows).encode())
    rows = _sorted(written.rows.get("chexpert_test", []))
    text = csv_text(("Study", *CLASSES), rows)
    made.save(setting, f"{FOLDER}/groundtruth.csv", text.encode())
    listed = _sorted(written.rows.get("chexpert_lists", []))
    for name, chosen in lists.nested_lists(listed, setting, "chexpert").items():
        lines = "".join(" ".join(map(str, (row[0], *row[2:]))) + "\n" for row in chosen)
        made.save(setting, f"{lists.FOLDER}/CheXpert/{name}.txt", lines.encode())
    return made


def _sorted(rows: Sequence[Cells]) -> list[Cells]:
    return sorted(rows, key=lambda row: str(row[0]))
