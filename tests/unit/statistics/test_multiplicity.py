"""Holm's correction against its definition, and ties with the best."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from benchmark.statistics.multiplicity import holm, told_apart

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


def pairs(**p_values):
    return {frozenset(name.split("_")): value for name, value in p_values.items()}


def test_told_apart_are_those_that_the_family_of_all_pairs_tells():
    p_values = pairs(best_far=0.001, best_near=0.02, far_near=0.4)
    # 0.02 * 2 = 0.04 after correction, 0.001 * 3 = 0.003.
    assert told_apart(p_values, "best") == {"far", "near"}
    assert told_apart(p_values | pairs(best_same=0.9, far_same=0.5, near_same=0.6), "best") == {
        "far"
    }
    assert told_apart({}, "best") == set()


def test_methods_of_equal_worth_keep_their_mark_whichever_comes_out_best():
    """Ten independent scores of one mean: in how many tables does any lose the mark?"""
    rng = np.random.default_rng(3)
    lost, runs = 0, 1000
    for _ in range(runs):
        scores = rng.normal(size=10)
        p_values = {
            frozenset((str(i), str(j))): float(2 * norm.sf(abs(scores[i] - scores[j]) / 2**0.5))
            for i in range(10)
            for j in range(i)
        }
        lost += bool(told_apart(p_values, str(int(scores.argmax()))))
    assert lost / runs < 0.065
