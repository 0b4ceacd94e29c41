"""Writes SIIM-ACR Pneumothorax, stage 1, with a table of run lengths for both of its folders."""

from __future__ import annotations

import math
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from benchmark.metrics.rle import encode
from benchmark.phantom.population import draw_study, patient_of
from benchmark.phantom.writers import lists
from benchmark.phantom.writers.boxes import is_visible, mask_box
from benchmark.phantom.writers.common import Case, Cells, Setting, Written
from benchmark.phantom.writers.images import DicomFacts, dicom_bytes, to_bytes

if TYPE_CHECKING:
    from benchmark.phantom.prevalence import Prevalence
    from benchmark.phantom.truth import Drawing, Study
    from benchmark.specs import PhantomSize

FOLDER = "siim-acr-pneumothorax-segmentation"
RULE = (
    "positive = visible pneumothorax, whose mask is given in the official 1024 x 1024 frame, some "
    "in two overlapping rows; a few training images have no row; 40 % of the studies are drawn "
    "with a pneumothorax"
)
FINDING = "Pneumothorax"
FRAME = 1024
"""Side in pixels of the masks, whatever the size of the DICOM."""

SHARE, FEWEST_CASES = 0.10, 60
"""Of a phantom's cases; as few still show both classes in every part."""

TEST_SHARE, POSITIVE_SHARE = 0.25, 0.40
LIST_EVERY = 8
"""One of so many training images of each class stands in the validation list."""

TWO_ROWS_RATE = 0.25
"""Share of the masks that are written as two rows which overlap: a quarter, as in the file."""

UNLABELLED_RATE = 0.01
"""Share of the training images without any row in the table."""

POPULATIONS = ("siim_train", "siim_test")
_UID = "1.2.276.0.7230010.3.1"
_LEVELS = {"instance": 4, "study": 2, "series": 3}
_FIRST_SECOND = 9_517_800_000
"""Real ids hold a time of the year 2018 in seconds, 1517... : these lie in a far future."""

_SPACINGS_MM = (0.143, 0.168, 0.139, 0.171)


def cases(size: PhantomSize) -> list[Case]:
    """First visits, two fifths with a pneumothorax, in training and in the test folder."""
    total = max(FEWEST_CASES, round(size.cases * SHARE))
    test = round(total * TEST_SHARE)
    train = choose(size.seed, "siim_train", size.prevalence, total - test)
    held_out = {number for group in train for number in group[::LIST_EVERY]}
    splits = {
        number: "validate" if number in held_out else "train" for group in train for number in group
    }
    tested = [
        number for group in choose(size.seed, "siim_test", "enriched", test) for number in group
    ]
    return [
        *(
            Case("siim_acr", "siim_train", number, size.prevalence, "nih", splits[number])
            for number in sorted(splits)
        ),
        *(
            Case("siim_acr", "siim_test", number, "enriched", "nih", "test")
            for number in sorted(tested)
        ),
    ]


def choose(
    seed: int, population: str, prevalence: Prevalence, wanted: int
) -> tuple[list[int], list[int]]:
    """Numbers of first visits with a pneumothorax, and of those without. No picture is drawn."""
    positive: list[int] = []
    negative: list[int] = []
    places = math.ceil(wanted * POSITIVE_SHARE)
    for number in count():
        if len(positive) + len(negative) == wanted:
            break
        if patient_of(number, seed, population)[1]:
            continue
        has = draw_study(seed, population, number, prevalence, "nih").has(FINDING)
        group, room = (positive, places) if has else (negative, wanted - places)
        if len(group) < room:
            group.append(number)
    return positive, negative


def uids(case: Case, setting: Setting) -> tuple[str, str, str]:
    """Instance, study and series: three levels with three numbers, which end one after another."""
    index = case.number * len(POPULATIONS) + POPULATIONS.index(case.population)
    process = int(setting.digits(4, "siim process", case.population, case.number), 16)
    last = int(setting.digits(5, "siim uid", case.population, case.number), 16)
    stem = f"8323329.{process}.{_FIRST_SECOND + index}"
    instance, study, series = (
        f"{_UID}.{level}.{stem}.{last + step}"
        for level, step in zip(_LEVELS.values(), (2, 1, 0), strict=True)
    )
    return instance, study, series


def write_case(case: Case, setting: Setting) -> Written:
    """Write the frontal view of a study.

    Returns:
        Rows of `siim` (image id, split, run lengths), one a row of the table; none for an image
        without a label.
    """
    study, random = setting.study(case), setting.generator(case, "siim")
    index = next(i for i, view in enumerate(study.views) if view.name != "LATERAL")
    drawing = setting.drawing(study, index)
    instance, parent, series = uids(case, setting)
    digits = setting.digits(24, "siim", case.population, case.number)
    facts = DicomFacts(
        patient_id="-".join(["f" * 8, digits[:4], digits[4:8], digits[8:12], digits[12:]]),
        sex=study.patient.sex,
        age=study.patient.age,
        view=study.views[index].name,
        spacing_mm=_SPACINGS_MM[int(random.integers(len(_SPACINGS_MM)))],
        uids=(instance, parent, series),
    )
    stage = "test" if case.split == "test" else "train"
    path = f"{FOLDER}/dicom-images-{stage}/{parent}/{series}/{instance}.dcm"
    written = Written()
    written.save(setting, path, dicom_bytes(to_bytes(drawing.pixels), facts, setting.tag))
    unlabelled = random.random() < UNLABELLED_RATE and stage == "train"
    mask = true_mask(study, drawing)
    regions = overlapping_halves(mask) if random.random() < TWO_ROWS_RATE else [mask]
    for region in () if unlabelled else regions:
        written.add("siim", (instance, case.split, encode(region)))
    return written


def true_mask(study: Study, drawing: Drawing) -> np.ndarray:
    """What can be seen of the pneumothorax, boolean (1024, 1024)."""
    mask: np.ndarray = np.zeros(drawing.pixels.shape, dtype=bool)
    for index, finding in enumerate(study.findings):
        if finding.name == FINDING and is_visible(drawing, index):
            mask |= drawing.masks[index]
    height, width = mask.shape
    places = np.arange(FRAME)
    return np.asarray(mask[np.ix_(places * height // FRAME, places * width // FRAME)])


def overlapping_halves(mask: np.ndarray) -> list[np.ndarray]:
    """Upper and lower part of a mask, which share its middle tenth; the mask itself if empty."""
    if not mask.any():
        return [mask]
    _, top, _, height = mask_box(mask)
    upper, lower = mask.copy(), mask.copy()
    upper[top + math.ceil(height * 0.55) :] = False
    lower[: top + int(height * 0.45)] = False
    return [part for part in (upper, lower) if part.any()]


def write_tables(written: Written, setting: Setting) -> Written:
    """Write the table of run lengths in stage 1's own form, and the published lists."""
    rows = sorted(written.rows.get("siim", []), key=lambda row: str(row[0]))
    made = Written()
    # The blank after each comma is the official file's, in its header as in its cells.
    lines = [f"{image}, {runs}" for image, _, runs in rows]
    text = "\n".join(["ImageId, EncodedPixels", *lines]) + "\n"
    made.save(setting, f"{FOLDER}/train-rle.csv", text.encode())
    listed: list[Cells] = list(dict.fromkeys((image, split) for image, split, _ in rows))
    for name, chosen in lists.nested_lists(listed, setting, "siim").items():
        text = "".join(f"{row[0]}\n" for row in chosen)
        made.save(setting, f"{lists.FOLDER}/SIIM-ACR_Pneumothorax/{name}.txt", text.encode())
    return made
