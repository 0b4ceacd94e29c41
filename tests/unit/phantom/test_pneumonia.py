from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.phantom import pneumonia
from benchmark.phantom.population import draw_study, patient_of
from benchmark.phantom.prevalence import NAMES, OPACITY_NAMES
from benchmark.phantom.render import render_view
from benchmark.phantom.shortcuts import linear_auc, thumbnails
from benchmark.phantom.truth import Study
from benchmark.phantom.writers.common import Case
from benchmark.specs import PhantomSize

BLOCK: tuple[pneumonia.Cause, ...] = ("covid", "covid", "viral", "bacterial", "other", "none")


def study(number: int, cause: pneumonia.Cause) -> Study:
    return pneumonia.pneumonia_study(3, Case("x", "x", number, "real", "rsna", "train"), cause)


def shape(number: int, cause: pneumonia.Cause) -> set[tuple[str, bool]]:
    """Opacities and whether they stand on both sides."""
    found = study(number, cause).findings
    return {(f.name, f.side == "bilateral") for f in found if f.name in OPACITY_NAMES}


def test_what_each_cause_is_composed_of() -> None:
    covid = [shape(number, "covid") for number in range(200)]
    alone, both = {("Infiltration", True)}, {("Infiltration", True), ("Consolidation", True)}
    assert all(item in (alone, both) for item in covid)
    assert 80 <= sum(item == both for item in covid) <= 120
    for number in range(60):
        assert shape(number, "viral") == {("Pneumonia", True)}
        assert shape(number, "bacterial") == {("Consolidation", False)}
        assert shape(number, "other") in ({("Lung Opacity", True)}, {("Lung Opacity", False)})
        assert shape(number, "none") == set()
    effused = 0
    for number in range(200):
        found = {finding.name: finding for finding in study(number, "bacterial").findings}
        bare = {finding.name for finding in study(number, "none").findings}
        if "Effusion" in found and "Effusion" not in bare:
            effused += 1
            assert found["Effusion"].side == found["Consolidation"].side
    assert 40 <= effused <= 90


def test_everything_but_the_opacities_is_the_study_itself() -> None:
    for number in range(40):
        base = draw_study(3, "x", number, "real", "rsna")
        made = study(number, "covid")
        assert (made.patient, made.views, made.seed) == (base.patient, base.views, base.seed)
        kept = [finding for finding in base.findings if finding.name not in OPACITY_NAMES]
        assert [f for f in made.findings if f.name not in OPACITY_NAMES] == kept
        places = [NAMES.index(finding.name) for finding in made.findings]
        assert all(first < second for first, second in pairwise(places))


@given(st.integers(0, 5), st.integers(0, 400))
def test_every_block_of_patients_has_the_causes_of_the_block(seed: int, number: int) -> None:
    patients = range(number * len(BLOCK), (number + 1) * len(BLOCK))
    causes = [pneumonia.cause_of(seed, "x", patient, BLOCK) for patient in patients]
    assert Counter(causes) == Counter(BLOCK)


def test_cases_are_split_by_patient_within_each_cause() -> None:
    size = PhantomSize(cases=400, size=64, seed=2)
    shares = {"train": 0.7, "validate": 0.1, "test": 0.2}
    cases = pneumonia.allot_causes(size, "x", 200, BLOCK, shares)
    assert [case.number for case in cases] == list(range(200))
    splits: dict[int, set[str]] = {}
    seen: dict[str, set[str]] = {}
    for case in cases:
        patient = patient_of(case.number, 2, "x")[0]
        splits.setdefault(patient, set()).add(case.split)
        seen.setdefault(case.split, set()).add(pneumonia.cause_of(2, "x", patient, BLOCK))
    assert all(len(names) == 1 for names in splits.values())
    assert seen == {split: set(BLOCK) for split in shares}
    assert 0.15 <= sum(case.split == "test" for case in cases) / 200 <= 0.27


@pytest.mark.full
def test_a_thumbnail_does_not_tell_the_cause() -> None:
    """As for the findings: logistic regression on 8 x 8 pixels stays near chance."""
    images, causes = [], []
    for number in range(2400):
        cause = pneumonia.cause_of(3, "x", patient_of(number, 3, "x")[0], BLOCK)
        drawn = study(number, cause)
        pixels = render_view(drawn, drawn.views[0], 64).pixels
        images.append(np.round(pixels * 255).astype(np.uint8))
        causes.append(cause)
    features, cause_of = thumbnails(np.stack(images), 8), np.array(causes)
    ill = cause_of != "none"
    coded = ill & (cause_of != "other")
    for kept, positive in (
        (ill, cause_of == "covid"),
        (coded, cause_of != "bacterial"),
        (~np.isin(cause_of, ["covid"]), cause_of == "none"),
    ):
        rows, truth = features[kept], positive[kept].astype(np.float32)[:, None]
        cut = int(len(rows) * 0.65)
        auc = linear_auc(rows[:cut], truth[:cut], rows[cut:], truth[cut:])
        assert auc[0] <= 0.64, "0.60 and the noise of a small test set"
