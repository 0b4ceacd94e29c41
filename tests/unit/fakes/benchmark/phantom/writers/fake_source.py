"""Writes the fake data set from phantom studies: one image a study, positive with an opacity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.phantom.allotment import patient_splits
from benchmark.phantom.population import patient_of
from benchmark.phantom.prevalence import OPACITY_NAMES
from benchmark.phantom.writers.common import Case, Setting, Written, csv_text
from benchmark.phantom.writers.images import png_bytes, to_bytes

if TYPE_CHECKING:
    from benchmark.specs import PhantomSize

FOLDER = "fake-data"
RULE = "positive = any opacity"
SPLITS = {"train": 0.7, "validate": 0.15, "test": 0.15}


def cases(size: PhantomSize) -> list[Case]:
    """Half of the phantom's cases."""
    numbers = range(size.cases // 2)
    splits = patient_splits(numbers, size.seed, "fake", SPLITS)
    return [
        Case("fake_source", "fake", number, "enriched", "nih", split)
        for number, split in zip(numbers, splits, strict=True)
    ]


def write_case(case: Case, setting: Setting) -> Written:
    """One PNG and its row."""
    study, name = setting.study(case), f"i{case.number}.png"
    patient = patient_of(case.number, setting.seed, case.population)[0]
    written = Written()
    pixels = to_bytes(setting.drawing(study, 0).pixels)
    written.save(setting, f"{FOLDER}/images/{name}", png_bytes(pixels, setting.tag))
    written.add("nih", (name, patient, int(any(study.has(item) for item in OPACITY_NAMES))))
    return written


def write_tables(written: Written, setting: Setting) -> Written:
    """`labels.csv`."""
    made = Written()
    text = csv_text(("image", "patient", "finding"), written.rows["nih"])
    made.save(setting, f"{FOLDER}/labels.csv", text.encode())
    return made
