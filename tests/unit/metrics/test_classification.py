"""Classification scores: conventions, undefined cases, thresholds, intervals, draws."""

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import t
from sklearn.metrics import f1_score, precision_recall_curve, roc_auc_score

from benchmark.errors import BadDataError
from benchmark.metrics.classification import score
from benchmark.metrics.ranked_auc import bootstrap_auc
from benchmark.metrics.thresholds import METRICS
from benchmark.recipes import LinearProbeRecipe, ZeroShotRecipe
from benchmark.statistics.bootstrap import PatientBootstrap
from benchmark.statistics.chance import SentinelResult, examine_sentinels
from benchmark.statistics.delong import delong_interval
from tests.golden.files import golden_files

RECIPE = ZeroShotRecipe(source="test")
ONE_OF_MANY = LinearProbeRecipe(source="test", target="one_of_many")


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
    assert scores.selection["class_names"] == ["class 0", "class 1", "class 2"]
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


def test_what_chose_a_threshold_is_stored():
    selection = score(predictions(), RECIPE, 0, 0).selection
    assert set(selection["f1_thresholds"]) == {"validation", "test"}
    assert set(selection["mcc_thresholds"]["test"]) == {"class 0", "class 1", "class 2"}
    chosen_by = selection["thresholds_chosen_by"]
    assert "validation split" in chosen_by["validation"]
    assert all("test labels" in chosen_by[rule] for rule in ("test", "test_mcc"))
    assert selection["thresholds_images"] == {"validation": 100, "test": 200}


def test_intervals_equal_scoring_the_repeated_samples():
    """The validation threshold stays, the one on the test labels is chosen in each replicate."""
    arrays = predictions(seed=4, classes=2)
    arrays["scores"] = np.round(arrays["scores"], 1)
    scores = score(arrays, RECIPE, 7, 40)
    thresholds = scores.selection["f1_thresholds"]["validation"]
    bootstrap = PatientBootstrap.draw(arrays["patients"][100:], 40, 7)
    fixed, chosen = np.zeros((2, 40)), np.zeros((2, 40))

    def f1(truth, called):
        return 2 * np.sum(called & (truth == 1)) / (called.sum() + truth.sum())

    for replicate, counts in enumerate(bootstrap.counts):
        rows = 100 + np.repeat(np.arange(200), counts[bootstrap.codes])
        for column in range(2):
            truth, values = arrays["truth"][rows, column], arrays["scores"][rows, column]
            fixed[column, replicate] = f1(truth, values >= thresholds[f"class {column}"])
            chosen[column, replicate] = max(f1(truth, values >= t) for t in set(values))
    values = scores.metrics["f1_test_threshold_published"].per_class.values()
    centre = np.array(list(values))[:, None]
    for metric, drawn in (
        ("f1_validation_threshold", fixed),
        ("f1_test_threshold_published", chosen - chosen.mean(axis=1, keepdims=True) + centre),
    ):
        found = scores.metrics[metric]
        assert found.interval == pytest.approx(np.quantile(drawn.mean(axis=0), [0.025, 0.975]))
        of_class = found.interval_per_class["class 1"]
        assert of_class == pytest.approx(np.quantile(drawn[1], [0.025, 0.975]))


def test_every_metric_has_interval_best_and_chance():
    metrics = score(predictions(), RECIPE, 0, 50).metrics
    assert set(metrics) == {"auc", *METRICS}
    for name, metric in metrics.items():
        assert metric.interval[0] <= metric.value <= metric.interval[1], name
        assert metric.best == (None if name.endswith("official") else 1.0)
        assert 0 < metric.chance < metric.value, name
        assert metric.n == 3
    assert metrics["balanced_accuracy_validation_threshold"].chance == 0.5


def test_a_class_without_scores_is_undefined_and_the_mean_runs_over_the_rest():
    arrays = predictions()
    arrays["scores"][:, 1] = np.nan
    scores = score(arrays, RECIPE, 0, 20)
    for name, metric in scores.metrics.items():
        assert metric.per_class["class 1"] is None, name
        assert metric.why_per_class == {"class 1": "no scores for this class"}
        assert metric.n == 2
        assert metric.interval is not None
    assert scores.selection["f1_thresholds"]["validation"]["class 1"] is None
    arrays["scores"][:] = np.nan
    with pytest.raises(BadDataError, match="not finite"):
        score(arrays, RECIPE, 0, 0)


def test_argmax_metrics_only_where_one_of_many_classes_holds():
    rng = np.random.default_rng(5)
    arrays = predictions()
    arrays["truth"] = np.eye(3)[rng.integers(0, 3, 300)]
    assert "accuracy_argmax" not in score(arrays, RECIPE, 0, 10).metrics
    scores = score(arrays, ONE_OF_MANY, 0, 10)
    guess = arrays["scores"][100:].argmax(axis=1)
    expected = np.mean(guess == arrays["truth"][100:].argmax(axis=1))
    assert scores.metrics["accuracy_argmax"].value == pytest.approx(expected)
    assert scores.metrics["accuracy_argmax"].n == 200
    assert "accuracy_argmax" in scores.selection["bootstrap"]["undefined_replicates"]


def test_random_scores_stand_at_chance_family_wise():
    """Every metric of several random predictors on rare and frequent classes, as one family."""
    rng = np.random.default_rng(6)
    results = []
    for number, share in enumerate((0.03, 0.1, 0.5, 0.8)):
        arrays = predictions(n=240, validation=80, seed=number)
        classes = rng.choice(3, 240, p=[share, (1 - share) / 2, (1 - share) / 2])
        arrays["truth"] = np.eye(3)[classes]
        del arrays["scores"]
        arrays["scores_draws"] = rng.integers(0, 256, (240, 3, 200)).astype(np.uint8)
        scores = score(arrays, ONE_OF_MANY, number, 0)
        assert set(scores.metrics) == {
            "auc", *METRICS, "accuracy_argmax", "balanced_accuracy_argmax"
        }  # fmt: skip
        results += [
            SentinelResult(
                f"{share} {name}", "chance", metric.value, metric.chance,
                scores.selection["standard_error"][name], scores.selection["draws"][name],
            )
            for name, metric in scores.metrics.items()
        ]  # fmt: skip
    verdict = examine_sentinels(results)
    assert verdict.holds, verdict.failures
    informed = [
        SentinelResult(item.name, "chance", item.value + 0.1, item.expected, item.standard_error)
        for item in results
    ]
    assert len(examine_sentinels(informed).failures) > len(results) / 2


@pytest.mark.parametrize("path", golden_files("zero_shot_seed*.npz"))
def test_golden_probabilities(path):
    """AUC as the official code computed it; F1 and accuracy by scikit-learn's curve."""
    golden = np.load(path, allow_pickle=False)
    truth, values = golden["label"].astype(float), golden["probability"]
    number, k = truth.shape
    arrays = {
        "ids": np.arange(number).astype(str), "patients": np.arange(number).astype(str),
        "split": np.full(number, "test"), "classes": np.arange(k).astype(str),
        "truth": truth, "scores": values,
    }  # fmt: skip
    metrics = score(arrays, RECIPE, 0, 0).metrics
    assert list(metrics["auc"].per_class.values()) == pytest.approx(list(golden["auc"]), rel=1e-4)
    for column in range(k):
        precision, recall, thresholds = precision_recall_curve(truth[:, column], values[:, column])
        f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
        chosen = thresholds[np.argmax(f1[:-1])]
        above = np.mean((values[:, column] > chosen) == truth[:, column])
        found = {name: metric.per_class[str(column)] for name, metric in metrics.items()}
        assert found["f1_test_threshold_published"] == pytest.approx(f1.max())
        assert found["accuracy_test_threshold_official"] == pytest.approx(above)


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


def rare(columns):
    """300 patients of one image; one patient with a positive case of every class."""
    arrays = predictions(validation=0)
    arrays["truth"][:] = 0
    arrays["truth"][columns, range(3)] = 1
    arrays["scores"][0] = 9
    arrays["patients"] = np.arange(300).astype(str)
    return arrays


def test_resamples_without_a_positive_are_redrawn_and_counted():
    for seed in range(10):
        found = score(rare([0, 0, 0]), RECIPE, seed, 200).selection["bootstrap"]
        # The patient is absent from 1/e of the draws: 1/(e - 1) draws more for each that stays.
        assert 70 < found["redrawn"] < 165
        assert set(found["undefined_replicates"]["auc"].values()) == {0}


def test_where_half_would_be_redrawn_nothing_is():
    # A resample holds the three positives in about (1 - 1/e)^3 = 25 %.
    scores = score(rare([0, 1, 2]), RECIPE, 0, 400)
    assert scores.selection["bootstrap"]["redrawn"] == 0
    assert scores.selection["bootstrap"]["undefined_replicates"]["auc"]["mean"] > 200


def with_positives(*patients):
    """400 images of 200 patients; of each class so many patients have a positive image."""
    arrays = predictions(n=400, validation=0)
    arrays["truth"][:] = 0
    for column, count in enumerate(patients):
        arrays["truth"][: 2 * count : 2, column] = 1
    return arrays


def test_a_class_with_few_positives_has_delongs_interval():
    arrays = with_positives(29, 30, 10)
    scores = score(arrays, RECIPE, 0, 200)
    auc = scores.metrics["auc"]
    few = delong_interval(arrays["truth"][:, 0], arrays["scores"][:, 0], arrays["patients"])
    assert auc.interval_per_class["class 0"] == few.bounds
    cases = np.concatenate([arrays["truth"] == 1, arrays["truth"] == 0], axis=1)
    bootstrap = PatientBootstrap.draw(arrays["patients"], 200, 0, cases)
    drawn = bootstrap_auc(arrays["truth"], arrays["scores"], bootstrap)
    expected = np.quantile(drawn[:, 1], [0.025, 0.975])
    assert auc.interval_per_class["class 1"] == pytest.approx(expected)
    few = delong_interval(arrays["truth"][:, 2], arrays["scores"][:, 2], arrays["patients"])
    assert auc.interval_per_class["class 2"] == few.bounds
    # On the logit scale, with the degrees of the rarest class.
    mean = drawn.mean(axis=1)
    value = auc.value
    half = t.ppf(0.975, 9) * mean.std(ddof=1) / (value * (1 - value))
    assert auc.interval == pytest.approx(
        tuple(expit(logit(value) + side * half) for side in (-1, 1))
    )
    precision = scores.metrics["average_precision"]
    assert precision.interval is None and "class 0: fewer than 30 patients" in precision.why
    assert scores.metrics["average_precision"].interval_per_class["class 0"] is None
    described = scores.selection["bootstrap"]["few_cases"]
    assert set(described) == {"class 0", "class 2"}
    assert "fewer than 30 patients with a positive case (29)" in described["class 0"]


def test_a_class_with_a_handful_of_positives_has_no_interval_and_no_mean_with_it_has():
    scores = score(with_positives(9, 30, 40), RECIPE, 0, 200)
    for name in ("auc", "average_precision"):
        metric = scores.metrics[name]
        assert metric.interval is None
        assert "class 0: fewer than 10 patients with a positive case (9)" in metric.why
        assert metric.interval_per_class["class 0"] is None
        assert metric.interval_per_class["class 1"] is not None
    assert scores.selection["bootstrap"]["few_cases"]["class 0"].endswith("(9): no interval")


def test_the_mean_of_one_class_is_that_class():
    arrays = predictions(n=200, classes=1, validation=0)
    arrays["truth"][:] = 0
    arrays["truth"][:40:2] = 1
    metrics = score(arrays, RECIPE, 0, 200).metrics
    few = delong_interval(arrays["truth"][:, 0], arrays["scores"][:, 0], arrays["patients"])
    assert metrics["auc"].interval == few.bounds
    assert metrics["average_precision"].interval is None
    assert "(20)" in metrics["average_precision"].why


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
