"""Paired differences: intervals, p-values, verdicts."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from benchmark.errors import BadDataError
from benchmark.statistics.paired import paired_auc_difference, paired_difference


def test_clear_difference_is_resolved():
    rng = np.random.default_rng(0)
    second = rng.normal(size=200)
    first = second + 0.2 + rng.normal(size=200) * 0.1
    result = paired_difference(first, second, np.arange(200) // 2, seed=0)
    assert result.difference == pytest.approx((first - second).mean())
    assert result.interval[0] < result.difference < result.interval[1]
    assert result.verdict == "higher"
    assert result.p_value == pytest.approx(1 / 1001)
    assert result.smallest_detectable == pytest.approx(1.96 * result.standard_error)
    assert (result.n, result.patients) == (200, 100)
    back = paired_difference(second, first, np.arange(200) // 2, seed=0)
    assert back.verdict == "lower"
    assert back.difference == -result.difference


def test_standard_error_equals_the_textbook_on_independent_samples():
    rng = np.random.default_rng(1)
    gain = rng.normal(size=400)
    result = paired_difference(gain, np.zeros(400), np.arange(400), 0, replicates=2000)
    assert result.standard_error == pytest.approx(gain.std(ddof=1) / 20, rel=0.08)


def test_equal_predictors_are_unresolved():
    values = np.random.default_rng(0).normal(size=50)
    result = paired_difference(values, values, np.arange(50), 0)
    assert result.verdict == "unresolved"
    assert result.p_value == 1
    assert result.difference == 0


def test_small_difference_is_unresolved_and_null_p_values_are_uniform():
    rng = np.random.default_rng(2)
    small, p_values = 0, []
    for trial in range(200):
        gain = np.repeat(rng.normal(size=30), 2)
        result = paired_difference(gain, np.zeros(60), np.arange(60) // 2, trial, 200)
        p_values.append(result.p_value)
        small += result.verdict == "unresolved"
    assert small > 175
    assert 0.40 < np.mean(p_values) < 0.60
    assert np.mean(np.array(p_values) <= 0.05) < 0.10


def test_undefined_samples_are_left_out():
    first = np.array([1.0, np.nan, 3.0, 2.0])
    second = np.array([0.0, 1.0, np.nan, 1.0])
    result = paired_difference(first, second, np.arange(4), 0)
    assert result.n == 2
    assert result.difference == 1
    alone = paired_difference(first[:1], second[:1], np.arange(1), 0)
    assert alone.difference is None
    assert alone.why


def test_different_lengths_are_an_error():
    with pytest.raises(BadDataError, match="same samples"):
        paired_difference(np.zeros(3), np.zeros(4), np.arange(3), 0)


def test_auc_difference_on_the_same_patients():
    rng = np.random.default_rng(3)
    truth = (rng.random((300, 3)) < 0.4).astype(float)
    truth[:, 2] = 0
    good = truth + rng.normal(size=truth.shape) * 0.5
    poor = truth + rng.normal(size=truth.shape) * 3
    result = paired_auc_difference(truth, good, poor, np.arange(300) // 3, 0, 300)
    expected = np.mean(
        [
            roc_auc_score(truth[:, c], good[:, c]) - roc_auc_score(truth[:, c], poor[:, c])
            for c in (0, 1)
        ]
    )
    assert result.difference == pytest.approx(expected)
    assert result.verdict == "higher"
    assert result.p_value < 0.02
    # Of the rarest side of the two classes that are defined.
    carriers = min(
        len(set(np.nonzero(truth[:, c] == value)[0] // 3)) for c in (0, 1) for value in (0, 1)
    )
    assert (result.n, result.patients) == (2, carriers)
    assert 30 < carriers < 100
    same = paired_auc_difference(truth, good, good * 2, np.arange(300), 0, 50)
    assert same.verdict == "unresolved"
    assert same.p_value == 1


def test_pairing_narrows_the_interval():
    rng = np.random.default_rng(4)
    truth = (rng.random((300, 1)) < 0.5).astype(float)
    first = truth + rng.normal(size=truth.shape)
    near = first + rng.normal(size=truth.shape) * 0.05
    unrelated = truth + rng.normal(size=truth.shape)
    errors = [
        paired_auc_difference(truth, first, other, np.arange(300), 0, 300).standard_error
        for other in (near, unrelated)
    ]
    assert errors[0] < errors[1] / 3


def test_auc_without_a_defined_class():
    result = paired_auc_difference(
        np.zeros((5, 1)), np.ones((5, 1)), np.ones((5, 1)), np.arange(5), 0
    )
    assert result.difference is None
    assert "no class" in result.why
