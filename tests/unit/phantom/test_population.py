"""The population: pure, consistent by patient, with the stated rates."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.phantom.population import draw_study, patient_of
from benchmark.phantom.prevalence import LOADINGS, NAMES, NIH_RATES, OPACITY_NAMES, rates
from benchmark.phantom.truth import NIH_CLASSES


def _many(count, prevalence, profile, population="train"):
    return [draw_study(3, population, i, prevalence, profile) for i in range(count)]


@given(st.integers(0, 5), st.integers(0, 5000))
def test_a_study_depends_on_its_arguments_alone(seed, number):
    study = draw_study(seed, "train", number, "real", "mimic")
    assert study == draw_study(seed, "train", number, "real", "mimic")
    assert study.seed != draw_study(seed, "test", number, "real", "mimic").seed
    assert study.seed != draw_study(seed + 1, "train", number, "real", "mimic").seed


@given(st.integers(0, 10_000))
def test_visits_of_a_patient_are_consecutive(number):
    patient, visit = patient_of(number, 0, "train")
    if visit:
        assert patient_of(number - 1, 0, "train") == (patient, visit - 1)
    elif number:
        assert patient_of(number - 1, 0, "train")[0] == patient - 1


def test_patients_keep_their_body_and_implants():
    by_patient = defaultdict(list)
    for study in _many(390, "real", "mimic"):
        by_patient[study.patient.number].append(study)
    assert len(by_patient) == 300
    for studies in by_patient.values():
        assert len({study.patient for study in studies}) == 1
        pacemakers = {"pacemaker" in view.devices for study in studies for view in study.views}
        assert len(pacemakers) == 1


def test_changes_compare_with_the_visit_before():
    studies = _many(1300, "enriched", "mimic")
    seen = Counter()
    for before, study in pairwise(studies):
        if not study.changes:
            continue
        assert before.patient == study.patient
        earlier = {finding.name: finding for finding in before.findings}
        for finding in study.findings:
            change = study.changes.get(finding.name)
            assert (change is None) == (finding.name not in earlier)
            if change is None:
                continue
            seen[change] += 1
            moved = finding.severity - earlier[finding.name].severity
            assert change == (
                "unchanged" if abs(moved) < 0.1 else ("worse" if moved > 0 else "improved")
            )
            assert finding.side == earlier[finding.name].side
    assert set(seen) == {"unchanged", "improved", "worse"}


@pytest.mark.parametrize("profile", ["nih", "mimic"])
def test_real_rates_hold(profile):
    studies = _many(4000, "real", profile)
    for name, rate in rates("real", profile).items():
        measured = np.mean([study.has(name) for study in studies])
        # Visits of one patient repeat findings, so the error is wider than the binomial one.
        assert abs(measured - rate) < 6 * np.sqrt(rate * (1 - rate) / 4000) + 0.002, name


def test_nih_rates_are_the_published_ones():
    assert NIH_RATES["Infiltration"] == pytest.approx(19894 / 112120)
    assert set(NIH_RATES) == set(NIH_CLASSES)
    studies = _many(3000, "real", "nih")
    assert 0.50 < np.mean([not study.findings for study in studies]) < 0.64


def test_an_enriched_test_of_600_has_40_positives_of_each_class():
    studies = _many(600, "enriched", "nih", "test")
    for name in NIH_CLASSES:
        assert sum(study.has(name) for study in studies) >= 40, name


def test_rsna_is_22_percent_positive_and_its_negatives_hold_no_opacity():
    studies = _many(4000, "real", "rsna")
    positive = [any(study.has(name) for name in OPACITY_NAMES) for study in studies]
    assert np.mean(positive) == pytest.approx(0.225, abs=0.035)
    assert all(len(study.views) == 1 and study.views[0].name != "LATERAL" for study in studies)


def test_related_findings_occur_together():
    studies = _many(4000, "real", "mimic")

    def lift(one, other):
        both = np.mean([s.has(one) and s.has(other) for s in studies])
        return both / (
            np.mean([s.has(one) for s in studies]) * np.mean([s.has(other) for s in studies])
        )

    assert lift("Effusion", "Edema") > 1.5
    assert lift("Effusion", "Atelectasis") > 1.3
    assert lift("Pneumonia", "Consolidation") > 2
    assert lift("Effusion", "Cardiomegaly") > 1.5


def test_devices_and_exposure_do_not_depend_on_findings():
    studies = _many(4000, "enriched", "nih")
    sick = np.array([bool(study.findings) for study in studies])
    for value in (
        np.array([len(study.views[0].devices) for study in studies], float),
        np.array([study.views[0].exposure for study in studies]),
        np.array([study.views[0].name == "AP" for study in studies], float),
    ):
        error = value.std() * np.sqrt(1 / sick.sum() + 1 / (~sick).sum())
        assert abs(value[sick].mean() - value[~sick].mean()) < 4.5 * error


def test_masses_are_over_and_nodules_under_3_cm():
    studies = _many(1500, "enriched", "nih")
    sizes = defaultdict(list)
    for study in studies:
        for finding in study.findings:
            sizes[finding.name].append(finding.size_cm)
            assert 0 <= finding.severity <= 1
    assert min(sizes["Mass"]) > 3 > max(sizes["Nodule"])


def test_loadings_leave_room_for_each_findings_own_part():
    for name in NAMES:
        assert np.square(LOADINGS[name]).sum() < 1
