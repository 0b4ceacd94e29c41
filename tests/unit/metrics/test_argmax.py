"""Accuracy by the highest score: ties, undefined cases, intervals, draws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as reference

from benchmark.metrics.argmax import argmax_credit, argmax_draws, argmax_metrics
from benchmark.metrics.few_cases import FewCases
from benchmark.statistics.bootstrap import PatientBootstrap

NAMES = ("normal", "pneumonia", "covid")


def one_hot(classes, k=3):
    return np.eye(k)[classes]


def scored(truth, scores, replicates=0, **more):
    patients = np.arange(len(truth)) // 2
    bootstrap = PatientBootstrap.draw(patients, replicates, 0)
    few = FewCases.of(truth, patients, NAMES, replicates)
    return argmax_metrics(truth, scores, NAMES, bootstrap, few, **more)


@settings(max_examples=50, deadline=None)
@given(
    arrays(np.int64, 25, elements=st.integers(0, 2)),
    arrays(np.int64, (25, 3), elements=st.integers(0, 2)),
)
def test_credit_equals_loops(classes, scores):
    credit = argmax_credit(one_hot(classes), scores)
    for row, true in enumerate(classes):
        winners = [c for c in range(3) if scores[row, c] == max(scores[row])]
        assert credit[row] == (1 / len(winners) if true in winners else 0)
    order = [2, 0, 1]
    np.testing.assert_array_equal(
        credit, argmax_credit(one_hot(classes)[:, order], scores[:, order])
    )


def test_against_scikit_learn():
    rng = np.random.default_rng(0)
    classes = rng.choice(3, 200, p=[0.6, 0.3, 0.1])
    scores = rng.normal(size=(200, 3)) + one_hot(classes)
    metrics, _ = scored(one_hot(classes), scores)
    guess = scores.argmax(axis=1)
    accuracy, balanced = metrics["accuracy_argmax"], metrics["balanced_accuracy_argmax"]
    assert accuracy.value == pytest.approx(reference.accuracy_score(classes, guess))
    assert balanced.value == pytest.approx(reference.balanced_accuracy_score(classes, guess))
    recall = reference.recall_score(classes, guess, average=None)
    assert list(balanced.per_class.values()) == pytest.approx(list(recall))
    assert (accuracy.n, balanced.n) == (200, 3)
    assert (accuracy.best, accuracy.chance, balanced.chance) == (1.0, 1 / 3, 1 / 3)


def test_intervals_equal_repeating_the_samples():
    rng = np.random.default_rng(1)
    classes = rng.integers(0, 3, 240)
    truth, scores = one_hot(classes), rng.normal(size=(240, 3))
    bootstrap = PatientBootstrap.draw(np.arange(240) // 2, 40, 0)
    drawn = []
    for counts in bootstrap.counts:
        rows = np.repeat(np.arange(240), counts[bootstrap.codes])
        drawn.append(np.mean(scores[rows].argmax(axis=1) == classes[rows]))
    metrics, dropped = scored(truth, scores, 40)
    assert metrics["accuracy_argmax"].interval == pytest.approx(np.quantile(drawn, [0.025, 0.975]))
    assert dropped["accuracy_argmax"] == {"mean": 0}
    assert metrics["balanced_accuracy_argmax"].interval_per_class["covid"] is not None


def test_a_class_with_a_handful_of_cases_takes_the_interval_of_the_mean():
    truth = one_hot(np.repeat([0, 1, 2], [100, 100, 8]))
    scores = truth + np.random.default_rng(3).normal(size=truth.shape)
    metrics, _ = scored(truth, scores, 100)
    balanced = metrics["balanced_accuracy_argmax"]
    assert balanced.interval is None and "covid: fewer than 10 patients" in balanced.why
    assert balanced.interval_per_class["covid"] is None
    assert metrics["accuracy_argmax"].interval is not None


def test_cases_without_exactly_one_class_are_left_out():
    truth = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [np.nan, np.nan, np.nan], [0, 1, 0.0]])
    scores = np.tile([0.1, 0.9, 0.2], (5, 1))
    metrics, _ = scored(truth, scores)
    assert (metrics["accuracy_argmax"].value, metrics["accuracy_argmax"].n) == (0.5, 2)
    balanced = metrics["balanced_accuracy_argmax"]
    assert balanced.per_class == {"normal": 0.0, "pneumonia": 1.0, "covid": None}
    assert balanced.why_per_class == {"covid": "no positive case"}
    assert balanced.n == 2


def test_undefined_cases():
    scores = np.ones((4, 3))
    for metric in scored(np.zeros((4, 3)), scores)[0].values():
        assert (metric.value, metric.why) == (None, "no case with exactly one positive class")
    for metric in scored(one_hot([0, 1, 2, 0]), scores, unscored=("covid",))[0].values():
        assert (metric.value, metric.why) == (None, "no scores for covid")


def test_constant_scores_stand_at_chance():
    for metric in scored(one_hot([0, 0, 1, 2]), np.full((4, 3), 0.5))[0].values():
        assert metric.value == pytest.approx(metric.chance)


def test_draws_are_averaged_and_stand_at_chance():
    rng = np.random.default_rng(2)
    classes = rng.choice(3, 120, p=[0.7, 0.2, 0.1])
    scores = rng.integers(0, 8, (120, 3, 200)).astype(np.uint8)  # ties in every second case
    metrics, errors = argmax_draws(one_hot(classes), scores, NAMES)
    each = [np.mean(argmax_credit(one_hot(classes), scores[:, :, d])) for d in range(200)]
    assert metrics["accuracy_argmax"].value == pytest.approx(np.mean(each))
    assert errors["accuracy_argmax"] == pytest.approx(np.std(each, ddof=1) / np.sqrt(200))
    for name, metric in metrics.items():
        assert abs(metric.value - 1 / 3) < 4 * errors[name]
    empty, none = argmax_draws(np.zeros((120, 3)), scores, NAMES)
    assert empty["accuracy_argmax"].value is None
    assert none == {"accuracy_argmax": None, "balanced_accuracy_argmax": None}
