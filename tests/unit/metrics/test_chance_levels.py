"""Levels of chance against all assignments of the labels, one by one."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from benchmark.metrics.chance_levels import (
    Ties,
    average_precision_level,
    levels_at_threshold,
    permuted,
)
from benchmark.metrics.class_scores import score_class
from benchmark.metrics.thresholds import BY_TEST


def assignments(total, positives):
    for chosen in combinations(range(total), positives):
        truth = np.zeros(total)
        truth[list(chosen)] = 1
        yield truth


def ties_of(scores):
    _, sizes = np.unique(scores, return_counts=True)
    return Ties(np.cumsum(sizes[::-1]))


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 9).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n))), st.data())
def test_fixed_threshold_equals_all_assignments(sizes, data):
    total, positives = sizes
    called = data.draw(st.integers(0, total))
    answer = np.arange(total) < called
    rows = {"f1": [], "accuracy": [], "balanced_accuracy": []}
    for truth in assignments(total, positives):
        rows["f1"].append(reference.f1_score(truth, answer))
        rows["accuracy"].append(np.mean(truth == answer))
        if positives < total:
            specificity = np.mean(~answer[truth == 0])
            rows["balanced_accuracy"].append((np.mean(answer[truth == 1]) + specificity) / 2)
    levels = levels_at_threshold(called, positives, total)
    assert set(levels) == {name for name, values in rows.items() if values}
    for name, level in levels.items():
        assert level.mean == pytest.approx(np.mean(rows[name]))
        assert level.variance == pytest.approx(np.var(rows[name]), abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=2, max_size=8), st.data())
def test_average_precision_level_equals_all_assignments(scores, data):
    positives = data.draw(st.integers(1, len(scores) - 1))
    found = [
        reference.average_precision_score(truth, scores)
        for truth in assignments(len(scores), positives)
    ]
    level = average_precision_level(ties_of(scores), positives)
    assert level == pytest.approx(np.mean(found))


@pytest.mark.parametrize("scores", [np.arange(9), np.array([3, 3, 2, 2, 2, 1, 1, 0, 0])])
def test_chosen_threshold_comes_near_all_assignments(scores):
    generator = np.random.default_rng(0)
    whole = [
        score_class((truth, scores), (truth, scores), generator, 2).values
        for truth in assignments(9, 3)
    ]
    drawn = permuted(ties_of(scores), 3, 4000, np.random.default_rng(1))
    names = {**BY_TEST, "average_precision": "average_precision"}
    for name, metric in names.items():
        expected = np.array([values[metric] for values in whole])
        error = expected.std() / np.sqrt(4000)
        assert abs(drawn[name].mean() - expected.mean()) < 4.5 * error, name
        assert drawn[name].std() == pytest.approx(expected.std(), rel=0.1), name
        assert np.isin(np.round(drawn[name], 9), np.round(expected, 9)).all(), name


def test_familiar_levels():
    everything = levels_at_threshold(100, 20, 100)
    assert everything["f1"].mean == pytest.approx(2 * 0.2 / 1.2)
    assert everything["balanced_accuracy"].mean == 0.5
    assert everything["accuracy"].mean == pytest.approx(0.2)
    assert all(level.variance == 0 for level in everything.values())
    nothing = levels_at_threshold(0, 20, 100)
    assert nothing["f1"].mean == 0
    assert nothing["accuracy"].mean == pytest.approx(0.8)
    one_score = Ties(np.array([50]))
    assert average_precision_level(one_score, 10) == pytest.approx(0.2)
    assert set(permuted(one_score, 10, 5, np.random.default_rng(0))["f1"]) == {2 * 10 / 60}
