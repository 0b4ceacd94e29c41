"""Who is imaged, with which findings and views: a pure function of seed, name and number.

Findings follow a Gaussian copula: four common causes (general illness, heart, infection, chronic
lung and tumour) and an own part give each finding a standard normal variable; the finding is
present where that exceeds the quantile of its rate, so marginal rates hold exactly, and how far it
exceeds it sets the severity, so severities of related findings rise together.
"""

from __future__ import annotations

from dataclasses import replace
from statistics import NormalDist

import numpy as np

from benchmark.phantom.prevalence import (
    LOADINGS,
    NAMES,
    OPACITY_NAMES,
    RSNA_POSITIVE_RATE,
    Prevalence,
    ProfileName,
    rates,
)
from benchmark.phantom.sites import Site, draw_site
from benchmark.phantom.truth import Finding, Patient, Study, View
from benchmark.seeds import generator_from, seed_from

_BLOCK_VISITS = (1, 1, 1, 1, 1, 1, 1, 1, 2, 3)
"""Studies of the ten patients of a block of thirteen studies: 1.3 a patient."""

_FOLLOW_UP_KEEPS = 0.6
_NORMAL = NormalDist()
_IMPLANTS = {"pacemaker": 0.06, "sternotomy_wires": 0.08, "port": 0.05}
_BEDSIDE = {
    "endotracheal_tube": 0.20,
    "enteric_tube": 0.18,
    "central_line": 0.28,
    "ecg_leads": 0.45,
}


def draw_study(
    seed: int, population: str, number: int, prevalence: Prevalence, profile: ProfileName
) -> Study:
    """One study of a population, the same in every process and order of calls.

    Args:
        seed: Of the phantom.
        population: A name such as `train`; other names give other patients.
        number: Study number from 0; consecutive numbers may be visits of one patient.
        prevalence: `real` is natural for the profile, `enriched` has at least 12 % of each class.
        profile: Whose views, label set and rates: `ms_cxr` is enriched in its eight classes.

    Returns:
        The study; `changes` compares with the same patient's study before it.
    """
    axes = (seed, population, profile, prevalence)
    patient_number, visit = patient_of(number, seed, population)
    patient = _draw_patient(axes, patient_number)
    findings, changes = _findings(axes, number, visit, prevalence, profile)
    return Study(
        patient=patient,
        number=number,
        findings=findings,
        views=_draw_views(axes, number, patient_number, profile),
        seed=seed_from("study", *axes, number),
        changes=changes,
    )


def patient_of(number: int, seed: int, population: str) -> tuple[int, int]:
    """Patient number of a study, and which of that patient's visits it is, from 0."""
    block, place = divmod(number, sum(_BLOCK_VISITS))
    visits = generator_from("visits", seed, population, block).permutation(_BLOCK_VISITS)
    ends = np.cumsum(visits)
    index = int(np.searchsorted(ends, place, side="right"))
    return block * len(_BLOCK_VISITS) + index, int(place - (ends[index] - visits[index]))


def _draw_patient(axes: tuple[object, ...], number: int) -> Patient:
    random = generator_from("patient", *axes, number)
    return Patient(
        number=number,
        sex="M" if random.random() < 0.55 else "F",
        age=int(np.clip(random.normal(56, 17), 18, 94)),
        habitus=float(np.clip(random.normal(0.0, 0.45), -1, 1)),
        seed=seed_from("body", *axes, number),
    )


def _findings(
    axes: tuple[object, ...],
    number: int,
    visit: int,
    prevalence: Prevalence,
    profile: ProfileName,
) -> tuple[tuple[Finding, ...], dict[str, str]]:
    fresh = _fresh_findings(axes, number, prevalence, profile)
    if visit == 0:
        return fresh, {}
    prior, _ = _findings(axes, number - 1, visit - 1, prevalence, profile)
    random = generator_from("follow-up", *axes, number)
    current = prior if random.random() < _FOLLOW_UP_KEEPS else fresh
    earlier = {finding.name: finding for finding in prior}
    result, changes = [], {}
    for finding in current:
        before = earlier.get(finding.name)
        if before is None:
            result.append(finding)
            continue
        step = float(random.choice([0.0, 0.0, -0.3, 0.3]))
        severity = float(np.clip(before.severity + step, 0.02, 1.0))
        moved = severity - before.severity
        changes[finding.name] = (
            "unchanged" if abs(moved) < 0.1 else ("worse" if moved > 0 else "improved")
        )
        result.append(replace(before, severity=severity))
    return tuple(result), changes


def _fresh_findings(
    axes: tuple[object, ...], number: int, prevalence: Prevalence, profile: ProfileName
) -> tuple[Finding, ...]:
    random = generator_from("findings", *axes, number)
    severities = _present(random, rates(prevalence, profile))
    if profile == "rsna":
        severities |= _rsna_opacities(random, RSNA_POSITIVE_RATE[prevalence])
    sites: dict[str, Site] = {}
    findings = []
    for name in sorted(severities, key=_site_order):
        site = draw_site(name, severities[name], sites, random)
        sites[name] = site
        findings.append(
            Finding(
                name=name,
                side=site.side,
                zone=site.zone,
                severity=severities[name],
                size_cm=site.size_cm,
                seed=int(random.integers(2**62)),
            )
        )
    return tuple(sorted(findings, key=lambda finding: NAMES.index(finding.name)))


def _site_order(name: str) -> int:
    """Consolidation and effusion are placed first: others stand where they stand."""
    return {"Consolidation": -2, "Effusion": -1}.get(name, NAMES.index(name))


def _present(random: np.random.Generator, class_rates: dict[str, float]) -> dict[str, float]:
    causes = random.standard_normal(4)
    own = random.standard_normal(len(NAMES))
    severities = {}
    for index, name in enumerate(NAMES):
        rate = class_rates.get(name, 0.0)
        loading = np.asarray(LOADINGS[name])
        latent = float(loading @ causes + own[index] * np.sqrt(1 - loading @ loading))
        tail = 1 - _NORMAL.cdf(latent)
        if tail < rate:
            severities[name] = float(1 - tail / rate)
    return severities


def _rsna_opacities(random: np.random.Generator, positive_rate: float) -> dict[str, float]:
    """Pneumonia or an unspecific opacity, sometimes with a consolidation."""
    if random.random() >= positive_rate:
        return {}
    name = "Pneumonia" if random.random() < 0.65 else "Lung Opacity"
    severities = {name: float(random.random())}
    if random.random() < 0.15:
        severities["Consolidation"] = float(random.random())
    assert set(severities) <= set(OPACITY_NAMES)
    return severities


def _draw_views(
    axes: tuple[object, ...], number: int, patient_number: int, profile: ProfileName
) -> tuple[View, ...]:
    random = generator_from("views", *axes, number)
    implants = generator_from("implants", *axes, patient_number)
    devices = [name for name, rate in _IMPLANTS.items() if implants.random() < rate]
    upright = random.random() < 0.6
    wants_lateral = random.random() < 0.8 and profile == "mimic"
    if not upright:
        devices += [name for name, rate in _BEDSIDE.items() if random.random() < rate]
    views = [_draw_view(random, "PA" if upright else "AP", tuple(devices))]
    if upright and wants_lateral:
        lateral = _draw_view(random, "LATERAL", tuple(devices))
        views.append(replace(lateral, marker=""))
    return tuple(views)


def _draw_view(random: np.random.Generator, name: str, devices: tuple[str, ...]) -> View:
    return View(
        name=name,  # type: ignore[arg-type]
        exposure=float(np.clip(random.normal(0, 0.5), -1, 1)),
        noise=float(random.random()),
        rotation_degrees=float(np.clip(random.normal(0, 2.5), -7, 7)),
        devices=devices,
        marker=str(random.choice(["L", "R", "L", ""])),
        seed=int(random.integers(2**62)),
    )
