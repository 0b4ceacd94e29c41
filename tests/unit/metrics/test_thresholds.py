"""F1 and accuracy at a threshold against scikit-learn, loops and repeated samples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as reference

from benchmark.metrics.class_scores import score_class
from benchmark.metrics.confusion import confusion_at
from benchmark.metrics.thresholds import METRICS, RankedClass

SCORES = arrays(np.int64, 30, elements=st.integers(-6, 6))
TRUTH = arrays(np.int64, 30, elements=st.integers(0, 1))
BALANCED = "balanced_accuracy_validation_threshold"


def by_loops(truth, scores, validation_threshold):
    """Every metric by its definition, one threshold and one sample at a time."""
    best_f1, best = -1.0, None
    for threshold in sorted(set(scores), reverse=True):
        f1 = counted(truth, [score >= threshold for score in scores])["f1"]
        if f1 >= best_f1:
            best_f1, best = f1, threshold
    fixed = counted(truth, [score >= validation_threshold for score in scores])
    strict = counted(truth, [score > best for score in scores])
    by_mcc = counted(truth, [score >= best_by_correlation(truth, scores) for score in scores])
    return {
        "average_precision": reference.average_precision_score(truth, scores),
        "f1_validation_threshold": fixed["f1"],
        "accuracy_validation_threshold": fixed["accuracy"],
        BALANCED: fixed["balanced"],
        "f1_test_threshold_published": best_f1,
        "accuracy_test_threshold_published": counted(truth, [s >= best for s in scores])[
            "accuracy"
        ],
        "accuracy_test_threshold_official": strict["accuracy"],
        "f1_test_mcc_threshold_published": by_mcc["f1"],
        "accuracy_test_mcc_threshold_published": by_mcc["accuracy"],
    }


def best_by_correlation(truth, scores):
    """Phi of the two by two table, as a correlation coefficient; 0 where it has none."""
    best, threshold = -2.0, None
    for score in sorted(set(scores), reverse=True):
        called = np.asarray(scores) >= score
        flat = called.all() or np.ptp(truth) == 0
        phi = 0.0 if flat else np.corrcoef(called, truth)[0, 1]
        if phi >= best - 1e-12:
            best, threshold = max(phi, best), score
    return threshold


def counted(truth, called):
    pairs = list(zip(truth, called, strict=True))
    hits = sum(t == 1 and c for t, c in pairs)
    right = sum((t == 1) == bool(c) for t, c in pairs)
    positives = sum(t == 1 for t in truth)
    rejected = sum(t == 0 and not c for t, c in pairs)
    negatives = len(pairs) - positives
    return {
        "f1": 2 * hits / (sum(map(bool, called)) + positives),
        "accuracy": right / len(pairs),
        "balanced": (hits / positives + rejected / negatives) / 2 if negatives else np.nan,
    }


def values(truth, scores, validation=None):
    validation = (truth, scores) if validation is None else validation
    return score_class((truth, scores), validation, np.random.default_rng(0), 2)


@settings(max_examples=60, deadline=None)
@given(TRUTH, SCORES, TRUTH, SCORES)
def test_every_metric_equals_loops(truth, scores, other_truth, other_scores):
    truth[0], truth[1], other_truth[0] = 1, 0, 1
    found = values(truth, scores, (other_truth, other_scores))
    expected = by_loops(truth, scores, found.thresholds["validation"])
    assert set(found.values) == set(METRICS) == set(expected)
    for name, value in expected.items():
        assert found.values[name] == pytest.approx(value, abs=1e-12), name
    assert not found.reasons


@settings(max_examples=40, deadline=None)
@given(TRUTH, SCORES, arrays(np.int64, (30, 4), elements=st.integers(0, 3)), st.integers(-6, 6))
def test_weights_equal_repeated_samples(truth, scores, weights, threshold):
    truth[0] = 1
    drawn = RankedClass.of(truth, scores).metrics_under(weights.astype(np.float32), threshold)
    for column in range(4):
        rows = np.repeat(np.arange(30), weights[:, column])
        labels = truth[rows]
        if not labels.any():
            assert all(np.isnan(values[column]) for values in drawn.values())
            continue
        expected = by_loops(labels, scores[rows], threshold)
        if labels.all():
            expected["average_precision"] = np.nan
        for name in METRICS:
            np.testing.assert_allclose(drawn[name][column], expected[name], err_msg=name)


def test_against_scikit_learn():
    rng = np.random.default_rng(0)
    truth = (rng.random(500) < 0.2).astype(float)
    scores = rng.normal(size=500) + truth
    found = values(truth, scores, (truth[:100], scores[:100])).values
    threshold = values(truth, scores, (truth[:100], scores[:100])).thresholds["validation"]
    called = scores >= threshold
    assert found["f1_validation_threshold"] == pytest.approx(reference.f1_score(truth, called))
    assert found["accuracy_validation_threshold"] == pytest.approx(
        reference.accuracy_score(truth, called)
    )
    assert found[BALANCED] == pytest.approx(reference.balanced_accuracy_score(truth, called))


def test_the_published_rule_as_the_official_code_states_it():
    """Highest F1 of the precision-recall curve; accuracy of the scores above its threshold."""
    rng = np.random.default_rng(1)
    truth = (rng.random(300) < 0.1).astype(float)
    scores = np.round(rng.normal(size=300) + truth, 1)
    precision, recall, thresholds = reference.precision_recall_curve(truth, scores)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    chosen = thresholds[np.argmax(f1[:-1])]
    found = values(truth, scores)
    assert found.thresholds["test"] == chosen
    assert found.values["f1_test_threshold_published"] == pytest.approx(f1.max())
    for name, called in (("published", scores >= chosen), ("official", scores > chosen)):
        accuracy = reference.accuracy_score(truth, called)
        assert found.values[f"accuracy_test_threshold_{name}"] == pytest.approx(accuracy)
    assert (scores == chosen).sum() > 1


def test_the_rule_by_correlation():
    rng = np.random.default_rng(4)
    truth = (rng.random(200) < 0.5).astype(float)
    scores = rng.normal(size=200) + 0.3 * truth
    found = values(truth, scores)
    phi = {t: reference.matthews_corrcoef(truth, scores >= t) for t in scores}
    best = found.thresholds["test_mcc"]
    assert phi[best] == pytest.approx(max(phi.values()))
    assert best != found.thresholds["test"]
    f1 = reference.f1_score(truth, scores >= best)
    assert found.values["f1_test_mcc_threshold_published"] == pytest.approx(f1)
    assert f1 < found.values["f1_test_threshold_published"]
    against = values(truth, -truth)
    assert against.thresholds["test_mcc"] == -1
    assert against.values["accuracy_test_mcc_threshold_published"] == truth.mean()


def test_unknown_labels_are_left_out():
    rng = np.random.default_rng(2)
    truth = (rng.random(80) < 0.4).astype(float)
    scores = rng.normal(size=80)
    truth[:20] = np.nan
    assert values(truth, scores).values == values(truth[20:], scores[20:]).values
    counts = confusion_at(truth, scores, 0.0)
    assert (counts.total, counts.called) == (60, (scores[20:] >= 0).sum())


def test_undefined_cases_have_reasons():
    scores = np.arange(4.0)
    mixed, none, full = np.array([0, 1, 0, 1.0]), np.zeros(4), np.ones(4)
    no_positive = values(none, scores, (mixed, scores))
    assert set(no_positive.reasons.values()) == {"no positive case"}
    assert set(no_positive.reasons) == set(METRICS)
    unchosen = values(mixed, scores, (none, scores))
    assert set(unchosen.reasons.values()) == {"no positive case in validation"}
    assert {name for name in METRICS if "validation" in name} == set(unchosen.reasons)
    no_negative = values(full, scores, (mixed, scores))
    assert no_negative.reasons == {
        "average_precision": "no negative case", BALANCED: "no negative case",
    }  # fmt: skip
    for found in (no_positive, unchosen, no_negative):
        undefined = {name for name, value in found.values.items() if np.isnan(value)}
        assert undefined == set(found.reasons)
        assert set(found.chance) == set(METRICS) - undefined


def test_the_truth_reaches_the_best_of_all_but_the_strict_rule():
    truth = np.array([0, 1, 0, 1, 0.0])
    found = values(truth, truth).values
    strict = found.pop("accuracy_test_threshold_official")
    assert set(found.values()) == {1.0}
    assert strict == pytest.approx(3 / 5)
