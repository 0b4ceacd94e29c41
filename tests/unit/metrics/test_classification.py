"""Classification scores: conventions, undefined cases, thresholds, intervals, draws."""

import time

import numpy as np
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from benchmark.errors import BadDataError
from benchmark.metrics.classification import score
from benchmark.recipes import ZeroShotRecipe

RECIPE = ZeroShotRecipe(source="test")


def predictions(n=300, classes=3, seed=0, validation=100):
    rng = np.random.default_rng(seed)
    truth = (rng.random((n, classes)) < 0.3).astype(float)
    return {
        "ids": np.arange(n).astype(str),
        "patients": (np.arange(n) // 2).astype(str),
        "split": np.where(np.arange(n) < validation, "validation", "test"),
        "classes": np.array([f"class {column}" for column in range(classes)]),
        "truth": truth,
        "scores": rng.normal(size=(n, classes)) + truth,
    }


def test_auc_is_the_mean_over_defined_classes_of_the_test_split():
    arrays = predictions()
    arrays["truth"][100:, 2] = 0
    arrays["truth"][100:120, 0] = np.nan
    scores = score(arrays, RECIPE, seed=0, replicates=50)
    auc = scores.metrics["auc"]
    test = slice(120, None)
    first = roc_auc_score(arrays["truth"][test, 0], arrays["scores"][test, 0])
    second = roc_auc_score(arrays["truth"][100:, 1], arrays["scores"][100:, 1])
    assert auc.per_class["class 0"] == pytest.approx(first)
    assert auc.per_class["class 1"] == pytest.approx(second)
    assert auc.per_class["class 2"] is None
    assert auc.why_per_class == {"class 2": "no positive case"}
    assert auc.value == pytest.approx((first + second) / 2)
    assert (auc.n, auc.best, auc.chance) == (2, 1.0, 0.5)
    assert auc.interval[0] < auc.value < auc.interval[1]
    assert auc.interval_per_class["class 0"][0] < first < auc.interval_per_class["class 0"][1]
    assert "auc_cosine" not in scores.metrics
    assert set(scores.per_sample) == {"ids", "patients", "truth", "scores"}
    assert len(scores.per_sample["patients"]) == 200


def test_no_defined_class_says_why():
    arrays = predictions()
    arrays["truth"][:] = 0
    auc = score(arrays, RECIPE, 0, 10).metrics["auc"]
    assert auc.value is None
    assert auc.why == "no positive case"


def test_validation_thresholds_do_not_look_at_the_test_split():
    arrays = predictions(seed=2)
    before = score(arrays, RECIPE, 0, 0).selection["f1_thresholds"]
    arrays["scores"][100:] = arrays["scores"][100:] * 3 + 1
    after = score(arrays, RECIPE, 0, 0).selection["f1_thresholds"]
    assert before["validation"] == after["validation"]
    assert before["test"] != after["test"]


def test_f1_by_a_loop_over_all_thresholds():
    arrays = predictions(seed=3)
    scores = score(arrays, RECIPE, 0, 0)
    truth, values = arrays["truth"][100:, 1], arrays["scores"][100:, 1]
    best = max(f1_score(truth, values >= t) for t in values)
    published = scores.metrics["f1_test_threshold_published"].per_class["class 1"]
    assert published == pytest.approx(best)
    chosen = scores.selection["f1_thresholds"]["validation"]["class 1"]
    ours = scores.metrics["f1_validation_threshold"].per_class["class 1"]
    assert ours == pytest.approx(f1_score(truth, values >= chosen))
    assert ours <= published
    accuracy = scores.metrics["accuracy_validation_threshold"].per_class["class 1"]
    assert accuracy == pytest.approx(np.mean((values >= chosen) == truth))


def test_without_validation_the_threshold_metrics_are_undefined():
    metrics = score(predictions(validation=0), RECIPE, 0, 0).metrics
    assert metrics["f1_validation_threshold"].value is None
    assert metrics["f1_validation_threshold"].why == "no positive case in validation"
    assert metrics["f1_test_threshold_published"].value is not None


def test_cosine_scores_are_scored_apart():
    arrays = predictions()
    arrays["scores_cosine"] = -arrays["scores"]
    metrics = score(arrays, RECIPE, 0, 10).metrics
    assert metrics["auc_cosine"].value == pytest.approx(1 - metrics["auc"].value)


def test_rare_classes_have_no_interval_and_say_so():
    arrays = predictions(validation=0)
    arrays["truth"][:] = 0
    arrays["truth"][0] = 1
    arrays["scores"][0] = 9
    arrays["patients"] = np.arange(300).astype(str)
    for seed in range(20):
        scores = score(arrays, RECIPE, seed, 200)
        dropped = scores.selection["bootstrap"]["undefined_replicates"]["auc"]["mean"]
        assert 40 < dropped < 120  # a patient is absent from 1/e of the replicates
    arrays["truth"][:, 1] = arrays["truth"][:, 2] = 0
    arrays["truth"][1, 1] = arrays["truth"][2, 2] = 1
    metric = score(arrays, RECIPE, 0, 400).metrics["auc"]  # defined in about (1 - 1/e)^3 = 25 %
    assert metric.interval is None
    assert "bootstrap replicates only" in metric.why
    assert metric.interval_per_class["class 0"] is not None


def test_order_of_the_samples_has_no_influence():
    arrays = predictions()
    order = np.random.default_rng(0).permutation(300)
    mixed = {k: v if k == "classes" else v[order] for k, v in arrays.items()}
    first, second = (score(one, RECIPE, 1, 100).metrics for one in (arrays, mixed))
    for name in first:
        assert first[name].value == pytest.approx(second[name].value)
        assert first[name].interval == pytest.approx(second[name].interval)


def test_scores_that_are_not_finite_are_refused():
    arrays = predictions()
    arrays["scores"][150, 0] = np.nan
    with pytest.raises(BadDataError, match="not finite"):
        score(arrays, RECIPE, 0, 0)


def test_missing_arrays_are_named():
    arrays = predictions()
    del arrays["truth"]
    with pytest.raises(BadDataError, match="`truth`"):
        score(arrays, RECIPE, 0, 0)


def test_draws_are_averaged():
    arrays = predictions()
    del arrays["scores"]
    rng = np.random.default_rng(0)
    arrays["scores_draws"] = rng.integers(0, 256, (300, 3, 30)).astype(np.uint8)
    scores = score(arrays, RECIPE, 0, 100)
    truth, drawn = arrays["truth"][100:], arrays["scores_draws"][100:]
    table = np.array(
        [[roc_auc_score(truth[:, c], drawn[:, c, d]) for d in range(30)] for c in range(3)]
    )
    assert scores.metrics["auc"].value == pytest.approx(table.mean())
    error = table.mean(axis=0).std(ddof=1) / np.sqrt(30)
    assert scores.selection["standard_error"]["auc"] == pytest.approx(error)
    assert scores.selection["draws"]["auc"] == 30
    assert scores.metrics["auc"].per_class["class 2"] == pytest.approx(table[2].mean())


def test_speed():
    arrays = predictions(n=1000, classes=14, validation=0)
    start = time.process_time()
    score(arrays, RECIPE, 0, 1000)
    assert time.process_time() - start < 5
