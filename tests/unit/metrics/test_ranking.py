"""Ranking metrics against loops, scikit-learn and their own symmetries."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as reference

from benchmark.metrics.ranking import (
    average_precision,
    best_f1_threshold,
    rank_auc,
    roc_points,
    why_undefined,
)

SCORES = arrays(np.int64, 30, elements=st.integers(-8, 8))
TRUTH = arrays(np.int64, 30, elements=st.integers(0, 1))


def auc_by_loops(truth, scores, weights=None):
    weights = np.ones(len(truth)) if weights is None else weights
    won = pairs = 0.0
    for i in np.flatnonzero(truth == 1):
        for j in np.flatnonzero(truth == 0):
            pair = weights[i] * weights[j]
            pairs += pair
            won += pair * (1.0 if scores[i] > scores[j] else 0.5 if scores[i] == scores[j] else 0.0)
    return won / pairs if pairs else np.nan


@settings(max_examples=80, deadline=None)
@given(TRUTH, SCORES)
def test_auc_equals_pairwise_loops(truth, scores):
    np.testing.assert_allclose(rank_auc(truth, scores), auc_by_loops(truth, scores))


@settings(max_examples=40, deadline=None)
@given(TRUTH, SCORES)
def test_auc_ignores_monotone_maps_and_order(truth, scores):
    auc = rank_auc(truth, scores)
    np.testing.assert_array_equal(auc, rank_auc(truth, np.exp(scores / 4.0) * 3 - 1))
    np.testing.assert_allclose(1 - auc, rank_auc(truth, -scores))
    order = np.random.default_rng(0).permutation(len(truth))
    np.testing.assert_allclose(auc, rank_auc(truth[order], scores[order]))


@settings(max_examples=60, deadline=None)
@given(TRUTH, SCORES)
def test_roc_points_are_those_of_scikit_learn(truth, scores):
    false, true = roc_points(np.append(truth, np.nan), np.append(scores, 3))
    if why_undefined(truth):
        assert np.isnan(false).all() and np.isnan(true).all()
        return
    expected = reference.roc_curve(truth, scores, drop_intermediate=False)[:2]
    np.testing.assert_allclose((false, true), expected)
    np.testing.assert_allclose(np.trapezoid(true, false), rank_auc(truth, scores))


def test_auc_of_unknown_labels_and_of_many_draws():
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 2, 60).astype(float)
    scores = rng.normal(size=(60, 4))
    truth[:10] = np.nan
    expected = [auc_by_loops(truth[10:], scores[10:, draw]) for draw in range(4)]
    np.testing.assert_allclose(rank_auc(truth, scores), expected)


def test_undefined_reasons():
    assert why_undefined(np.array([0, 0, np.nan])) == "no positive case"
    assert why_undefined(np.array([1, np.nan])) == "no negative case"
    assert why_undefined(np.array([1, 0])) == ""
    assert np.isnan(rank_auc(np.zeros(3), np.arange(3)))
    assert np.isnan(average_precision(np.ones(3), np.arange(3)))


@pytest.mark.parametrize("seed", range(5))
def test_against_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, 200)
    scores = np.round(rng.normal(size=200) + truth, 1)
    np.testing.assert_allclose(rank_auc(truth, scores), reference.roc_auc_score(truth, scores))
    np.testing.assert_allclose(
        average_precision(truth, scores), reference.average_precision_score(truth, scores)
    )
    precision, recall, thresholds = reference.precision_recall_curve(truth, scores)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    threshold = best_f1_threshold(truth, scores)
    assert threshold == thresholds[np.argmax(f1[:-1])]
    np.testing.assert_allclose(reference.f1_score(truth, scores >= threshold), f1.max())
