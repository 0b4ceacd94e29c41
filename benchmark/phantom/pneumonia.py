"""Causes of pneumonia, as stated compositions of the findings that the phantom draws.

The phantom has no disease that looks like COVID-19. Sets that ask for a cause get a composition of
opacities in its place: what distinguishes the causes is the kind of opacity and how many lungs it
affects, hardly its zone, so that a linear classifier on a thumbnail stays near chance. A patient
has one cause in all visits; how much is seen differs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from benchmark.phantom.allotment import patient_splits
from benchmark.phantom.population import draw_study, patient_of
from benchmark.phantom.prevalence import NAMES, OPACITY_NAMES
from benchmark.phantom.sites import draw_site
from benchmark.phantom.truth import Finding
from benchmark.phantom.writers.common import Case
from benchmark.seeds import generator_from

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from benchmark.phantom.truth import Side, Study, Zone
    from benchmark.specs import PhantomSize

Cause = Literal["covid", "viral", "bacterial", "other", "none"]

RULE = (
    "COVID-19 = infiltration of both lungs, mostly of the lower zones, in half of the studies with "
    "a consolidation there; other viral = patchy pneumonia of both lungs; bacterial = "
    "consolidation of one lung, in a third of the studies with an effusion of that side; other "
    "pneumonia = unspecific opacity of one or both lungs; no pneumonia = no opacity. Zones are "
    "mostly lower for all of them; findings that are no opacities occur at their natural rates "
    "whatever the cause."
)

CONSOLIDATED_COVID, BACTERIAL_EFFUSION = 0.5, 1 / 3
_ZONES: dict[Cause, tuple[Zone, ...]] = {
    "covid": ("lower", "lower", "mid"),
    "viral": ("lower", "lower", "mid"),
    "bacterial": ("lower", "lower", "mid", "upper"),
    "other": ("lower", "lower", "mid", "upper"),
}


def cause_of(seed: int, population: str, patient: int, block: Sequence[Cause]) -> Cause:
    """A patient's cause: every run of `len(block)` patients has those of `block`, shuffled."""
    number, place = divmod(patient, len(block))
    order = generator_from("phantom", seed, "cause", population, number).permutation(len(block))
    return block[int(order[place])]


def pneumonia_study(seed: int, case: Case, cause: Cause) -> Study:
    """The truth of a case: its study with the opacities of the cause in place of its own."""
    study = draw_study(seed, case.population, case.number, case.prevalence, case.profile)
    random = generator_from("phantom", seed, "opacities", case.population, case.number)
    kept = [finding for finding in study.findings if finding.name not in OPACITY_NAMES]
    added = opacities(cause, random)
    names = {finding.name for finding in added}
    findings = [finding for finding in kept if finding.name not in names] + added
    findings.sort(key=lambda finding: NAMES.index(finding.name))
    return replace(study, findings=tuple(findings), changes={})


def opacities(cause: Cause, random: np.random.Generator) -> list[Finding]:
    """The findings that stand for a cause; `RULE` says which. Severities are uniform."""
    if cause == "none":
        return []
    zones = _ZONES[cause]
    zone = zones[int(random.integers(len(zones)))]
    one_side: Side = "left" if random.random() < 0.5 else "right"
    both, more = random.random() < 0.5, random.random()
    if cause == "covid":
        found = [_place("Infiltration", "bilateral", zone, random)]
        if more < CONSOLIDATED_COVID:
            found.append(_place("Consolidation", "bilateral", zone, random))
        return found
    if cause == "viral":
        return [_place("Pneumonia", "bilateral", zone, random)]
    if cause == "other":
        return [_place("Lung Opacity", "bilateral" if both else one_side, zone, random)]
    found = [_place("Consolidation", one_side, zone, random)]
    if more < BACTERIAL_EFFUSION:
        found.append(_place("Effusion", one_side, "basal", random))
    return found


def _place(name: str, side: Side, zone: Zone, random: np.random.Generator) -> Finding:
    severity = float(random.random())
    size_cm = draw_site(name, severity, {}, random).size_cm
    return Finding(name, side, zone, severity, size_cm, int(random.integers(2**62)))


def allot_causes(
    size: PhantomSize, name: str, count: int, block: Sequence[Cause], shares: Mapping[str, float]
) -> list[Case]:
    """The cases of a data set in the order of their numbers, split by patient and cause.

    Args:
        size: Seed and prevalence.
        name: Of the data set: layout and population.
        count: Studies.
        block: Causes of as many patients, see `cause_of`.
        shares: Of the patients of each cause, by split, the largest first; every split gets at
            least one patient of each cause where there are patients enough.
    """
    by_cause: dict[Cause, list[int]] = {}
    for number in range(count):
        patient = patient_of(number, size.seed, name)[0]
        by_cause.setdefault(cause_of(size.seed, name, patient, block), []).append(number)
    split: dict[int, str] = {}
    for numbers in by_cause.values():
        split |= dict(zip(numbers, patient_splits(numbers, size.seed, name, dict(shares))))
    return [
        Case(name, name, number, size.prevalence, "rsna", split[number]) for number in range(count)
    ]
