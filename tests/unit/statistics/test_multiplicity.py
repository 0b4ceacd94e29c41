"""Holm's correction against its definition, and ties with the best."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.statistics.multiplicity import holm, tied_with_best

PS = st.lists(st.floats(0, 1), min_size=1, max_size=8)


def rejected(p_values, level):
    """Holm's procedure as it is stated: step down until the first that is not small enough."""
    found = set()
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    for rank, place in enumerate(order):
        if p_values[place] * (len(p_values) - rank) >= level:
            break
        found.add(place)
    return found


@given(PS, st.floats(0.001, 0.2))
def test_it_is_the_step_down_procedure(p_values, level):
    adjusted = holm(p_values)
    assert {place for place, value in enumerate(adjusted) if value < level} == rejected(
        p_values, level
    )


@given(PS)
def test_it_lies_between_the_value_and_bonferroni(p_values):
    for value, adjusted in zip(p_values, holm(p_values), strict=True):
        assert value - 1e-12 <= adjusted <= min(1.0, len(p_values) * value) + 1e-12


def test_a_known_example():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


def test_the_family_keeps_its_level():
    rng = np.random.default_rng(0)
    wrong = sum(min(holm(list(rng.random(12)))) < 0.05 for _ in range(2000))
    assert wrong / 2000 < 0.065


def test_ties_are_those_that_the_family_cannot_tell():
    p_values = {"far": 0.001, "near": 0.03, "same": 0.8, "unknown": None}
    # 0.03 * 2 = 0.06 after correction: not told from the best.
    assert tied_with_best(p_values) == {"near", "same", "unknown"}
    assert tied_with_best({"near": 0.03}) == set()
    assert tied_with_best({}) == set()
