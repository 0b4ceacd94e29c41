"""Which studies go into which layout and split, by patient; enriched tests by quota."""

from __future__ import annotations

import math
from itertools import count, islice
from typing import TYPE_CHECKING

from benchmark.phantom.phrases import MS_CXR_NAMES
from benchmark.phantom.population import draw_study, patient_of
from benchmark.phantom.prevalence import OPACITY_NAMES, ProfileName
from benchmark.phantom.truth import NIH_CLASSES, Study
from benchmark.phantom.writers.common import Case
from benchmark.seeds import generator_from

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmark.specs import PhantomSize

MIMIC_SHARE, NIH_SHARE = 0.52, 0.30
"""Of all cases; RSNA has the rest."""

MS_CXR_SHARE = 1 / 6
"""Of the MIMIC cases: those whose patients carry the MS-CXR pairs, and no others do."""

NIH_TEST_SHARE, RSNA_TEST_SHARE = 0.40, 0.25
TEST_POSITIVE_SHARE = 0.17
"""Of the NIH test images hold each class at least: 41 of 240 at 2,000 cases."""

RSNA_TEST_POSITIVE_SHARE = 0.47
NORMAL_SHARE = 0.18
"""Of the NIH test images have no finding."""

MIMIC_SPLITS = {"train": 0.90, "validate": 0.05, "test": 0.05}
GROUNDING_SPLITS = {"train": 0.70, "val": 0.15, "test": 0.15}
LIST_SPLITS = {"train": 0.875, "validate": 0.125}
FEWEST_CASES = 40


def allot(size: PhantomSize) -> list[Case]:
    """All cases of the data sets that are drawn together, in a fixed order.

    Args:
        size: How many cases, the seed, and the prevalence outside the test sets.
    """
    mimic = round(size.cases * MIMIC_SHARE)
    grounding = round(mimic * MS_CXR_SHARE)
    nih = round(size.cases * NIH_SHARE)
    nih_test = round(nih * NIH_TEST_SHARE)
    rsna = size.cases - mimic - nih
    rsna_test = round(rsna * RSNA_TEST_SHARE)
    return [
        *_mimic(size, "mimic", range(mimic - grounding)),
        *_mimic(size, "ms_cxr", choose_grounding(size, grounding)),
        *_by_patient(size, "nih_train", range(nih - nih_test)),
        *_tests(size, "nih_test", choose_nih_test(size.seed, nih_test)),
        *_by_patient(size, "rsna_train", _first_visits(size, "rsna_train", rsna - rsna_test)),
        *_tests(size, "rsna_test", choose_rsna_test(size.seed, rsna_test)),
    ]


def patient_splits(
    numbers: Sequence[int], seed: int, population: str, shares: dict[str, float]
) -> list[str]:
    """A split for each study of a population, one split a patient.

    Args:
        numbers: Study numbers.
        seed: Of the phantom.
        population: That the numbers belong to.
        shares: Of the patients, by split, largest first; the others get at least one patient
            each where there are patients enough.
    """
    patients = [patient_of(number, seed, population)[0] for number in numbers]
    known = sorted(set(patients))
    order = generator_from("phantom", seed, "splits", population, *shares).permutation(len(known))
    names = list(shares)
    sizes = [max(1, round(len(known) * shares[name])) for name in names[1:]]
    while sizes and sum(sizes) >= len(known):
        sizes.pop()
    splits = dict.fromkeys(known, names[0])
    place = 0
    for name, length in zip(names[1:], sizes, strict=False):
        splits |= {known[index]: name for index in order[place : place + length]}
        place += length
    return [splits[patient] for patient in patients]


def choose_nih_test(seed: int, wanted: int) -> list[int]:
    """Study numbers such that each of the 14 classes has its share of the test images.

    Candidates come in order; one is taken when it holds enough of the classes still lacking, or
    no finding at all while the normal ones' share is not full. No picture is looked at.
    """
    lacking = dict.fromkeys(NIH_CLASSES, math.ceil(wanted * TEST_POSITIVE_SHARE))
    normal = round(wanted * NORMAL_SHARE)
    open_places = wanted - normal
    chosen: list[int] = []
    for number, study in _candidates(seed, "nih_test", "nih"):
        if len(chosen) == wanted:
            break
        present = {item.name for item in study.findings if item.name in lacking}
        if not study.findings and normal:
            normal -= 1
            chosen.append(number)
        elif present and open_places:
            gain = sum(lacking[name] > 0 for name in present)
            if gain >= _needed_gain(lacking, open_places):
                open_places -= 1
                chosen.append(number)
                lacking = {name: left - (name in present) for name, left in lacking.items()}
    return sorted(chosen)


def choose_grounding(size: PhantomSize, wanted: int) -> list[int]:
    """Numbers of studies with a finding that a phrase can point at."""
    pointed = (
        number
        for number in count()
        if any(
            finding.name in MS_CXR_NAMES
            for finding in draw_study(
                size.seed, "ms_cxr", number, size.prevalence, "ms_cxr"
            ).findings
        )
    )
    return list(islice(pointed, wanted))


def choose_rsna_test(seed: int, wanted: int) -> list[int]:
    """Numbers of first visits, a fixed share of them with an opacity."""
    places = {True: math.ceil(wanted * RSNA_TEST_POSITIVE_SHARE)}
    places[False] = wanted - places[True]
    chosen: list[int] = []
    for number, study in _candidates(seed, "rsna_test", "rsna"):
        if len(chosen) == wanted:
            break
        positive = any(study.has(name) for name in OPACITY_NAMES)
        if places[positive] and patient_of(number, seed, "rsna_test")[1] == 0:
            places[positive] -= 1
            chosen.append(number)
    return chosen


def _needed_gain(lacking: dict[str, int], open_places: int) -> int:
    """How many lacking classes a candidate must hold so that the places suffice."""
    left = sum(value for value in lacking.values() if value > 0)
    return min(math.ceil(left / open_places), sum(value > 0 for value in lacking.values()))


def _candidates(seed: int, population: str, profile: ProfileName) -> Iterator[tuple[int, Study]]:
    for number in count():
        yield number, draw_study(seed, population, number, "enriched", profile)


def _first_visits(size: PhantomSize, population: str, wanted: int) -> list[int]:
    """Numbers of the first visits: an RSNA patient is one image."""
    firsts = (n for n in count() if patient_of(n, size.seed, population)[1] == 0)
    return list(islice(firsts, wanted))


def _mimic(size: PhantomSize, population: ProfileName, numbers: Sequence[int]) -> list[Case]:
    splits = patient_splits(numbers, size.seed, population, MIMIC_SPLITS)
    grounding = [""] * len(numbers)
    if population == "ms_cxr":
        grounding = patient_splits(numbers, size.seed, population, GROUNDING_SPLITS)
    return [
        Case("mimic", population, number, size.prevalence, population, split, pairs)
        for number, split, pairs in zip(numbers, splits, grounding, strict=True)
    ]


def _by_patient(size: PhantomSize, population: str, numbers: Sequence[int]) -> list[Case]:
    splits = patient_splits(numbers, size.seed, population, LIST_SPLITS)
    layout: ProfileName = "nih" if population.startswith("nih") else "rsna"
    return [
        Case(layout, population, number, size.prevalence, layout, split)
        for number, split in zip(numbers, splits, strict=True)
    ]


def _tests(size: PhantomSize, population: str, numbers: Sequence[int]) -> list[Case]:
    layout: ProfileName = "nih" if population.startswith("nih") else "rsna"
    return [Case(layout, population, number, "enriched", layout, "test") for number in numbers]
