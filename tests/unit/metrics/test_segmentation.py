"""Dice and its conventions for empty masks."""

import numpy as np
import pytest

from benchmark.errors import BadDataError
from benchmark.metrics import segmentation
from benchmark.metrics.mask_runs import MaskRuns
from benchmark.metrics.segmentation import dice_from_counts, dice_metrics, dice_per_image
from benchmark.recipes.segment import SegmentRecipe
from benchmark.statistics.chance import SentinelResult, examine_sentinels


def dice_by_loops(prediction, target):
    scores = []
    for predicted, true in zip(prediction, target, strict=True):
        pixels = list(zip(predicted.ravel(), true.ravel(), strict=True))
        if not any(t for _, t in pixels):
            scores.append(0.0 if any(p for p, _ in pixels) else 1.0)
            continue
        common = sum(bool(p) and bool(t) for p, t in pixels)
        total = sum(bool(p) for p, _ in pixels) + sum(bool(t) for _, t in pixels)
        scores.append(2 * common / total)
    return scores


def masks(seed, n=12):
    rng = np.random.default_rng(seed)
    prediction, target = rng.random((2, n, 6, 7)) < 0.4
    prediction[:4] = False
    target[2:6] = False
    return prediction, target


def test_equals_loops_and_is_symmetric_where_nothing_is_empty():
    prediction, target = masks(0)
    dice = dice_per_image(prediction, target)
    np.testing.assert_allclose(dice, dice_by_loops(prediction, target))
    assert list(dice[:6]) == [0, 0, 1, 1, 0, 0]
    np.testing.assert_allclose(dice[6:], dice_per_image(target, prediction)[6:])


def test_metrics_by_convention():
    prediction, target = masks(1)
    dice = dice_per_image(prediction, target)
    nonempty = target.any(axis=(1, 2))
    metrics = dice_metrics(dice, nonempty, np.arange(12), seed=0, replicates=200)
    assert metrics["dice_empty_is_one"].value == pytest.approx(dice.mean())
    assert metrics["dice_nonempty"].value == pytest.approx(dice[nonempty].mean())
    assert metrics["dice_nonempty"].n == 8
    # Eight patients with a target are too few for one, the twelve of all images are not.
    assert metrics["dice_nonempty"].interval is None
    assert "fewer than 10 patients (8)" in metrics["dice_nonempty"].why
    low, high = metrics["dice_empty_is_one"].interval
    assert low < metrics["dice_empty_is_one"].value < high


def test_predicting_nothing_scores_the_share_of_empty_targets():
    _, target = masks(2)
    nothing = np.zeros_like(target)
    metrics = dice_metrics(
        dice_per_image(nothing, target), target.any(axis=(1, 2)), np.arange(12), 0, 0
    )
    assert metrics["dice_empty_is_one"].value == pytest.approx(4 / 12)
    assert metrics["dice_nonempty"].value == 0


def test_nonempty_is_undefined_without_a_target():
    metric = dice_metrics(np.ones(3), np.zeros(3, dtype=bool), np.arange(3), 0, 10)["dice_nonempty"]
    assert metric.value is None
    assert metric.why


def test_counts_and_shapes():
    assert list(dice_from_counts([2, 0, 0], [3, 0, 1], [3, 0, 0])) == pytest.approx([2 / 3, 1, 0])
    with pytest.raises(BadDataError, match="shapes"):
        dice_per_image(np.zeros((1, 2, 2)), np.zeros((1, 2, 3)))


# What the protocol stores, and what is scored of it.

RECIPE = SegmentRecipe(source="test")
LEVELS = np.array([0.25, 0.5, 0.75])
HEIGHT, WIDTH = 9, 7


def drawn(seed=5, n=30):
    """Probabilities and targets of images of two shapes; some of each are empty."""
    rng = np.random.default_rng(seed)
    shapes = [(HEIGHT, WIDTH) if row % 3 else (WIDTH, 5) for row in range(n)]
    targets = [rng.random(shape) < 0.4 for shape in shapes]
    probabilities = [np.round(rng.random(shape), 2) for shape in shapes]
    for row in range(0, n, 4):
        targets[row] = np.zeros(shapes[row], dtype=bool)
    for row in range(0, n, 6):
        probabilities[row] = probabilities[row] * 0.2
    return probabilities, targets


def stored(probabilities, targets, threshold=0.75, order=None):
    """The arrays of docs/architecture.md, by loops."""
    n = len(targets)
    order = range(n) if order is None else order
    columns = {"ids": [], "patients": [], "split": [], "height": [], "width": []}
    predicted, common = np.zeros((2, n, len(LEVELS)), dtype=np.int32)
    for place, row in enumerate(order):
        columns["ids"].append(f"i{row}")
        columns["patients"].append(f"p{row // 2}")
        columns["split"].append("validation" if row % 5 == 0 else "test")
        columns["height"].append(targets[row].shape[0])
        columns["width"].append(targets[row].shape[1])
        for level, cut in enumerate(LEVELS):
            inside = probabilities[row] >= cut
            predicted[place, level] = inside.sum()
            common[place, level] = (inside & targets[row]).sum()
    truth = MaskRuns.of(targets[row] for row in order)
    masks = MaskRuns.of(probabilities[row] >= threshold for row in order)
    return {
        **{name: np.array(values) for name, values in columns.items()},
        "truth_runs": truth.runs,
        "truth_offsets": truth.offsets,
        "prediction_runs": masks.runs,
        "prediction_offsets": masks.offsets,
        "threshold": np.array([threshold]),
        "thresholds": LEVELS,
        "predicted_pixels": predicted,
        "common_pixels": common,
    }


def naive(probabilities, targets, threshold, split="test"):
    """Every score by loops over images and pixels."""
    dice, positive, iou, left = [], [], [], []
    for row, (probability, target) in enumerate(zip(probabilities, targets, strict=True)):
        if ("validation" if row % 5 == 0 else "test") != split:
            continue
        inside = [[value >= threshold for value in line] for line in probability]
        pairs = [
            (inside[y][x], bool(target[y][x]))
            for y in range(target.shape[0])
            for x in range(target.shape[1])
        ]
        both, either = sum(p and t for p, t in pairs), sum(p or t for p, t in pairs)
        if any(t for _, t in pairs):
            positive.append(2 * both / (both + either))
            iou.append(both / either)
            dice.append(positive[-1])
        else:
            left.append(0.0 if any(p for p, _ in pairs) else 1.0)
            dice.append(left[-1])
    scores = {
        "dice_empty_is_one": dice,
        "dice_nonempty": positive,
        "iou_nonempty": iou,
        "empty_left_empty": left,
    }
    return {name: (np.mean(values), len(values)) for name, values in scores.items()}


def test_stored_predictions_are_scored_as_by_loops():
    probabilities, targets = drawn()
    scores = segmentation.score(stored(probabilities, targets), RECIPE, 3, 200)
    for name, (value, number) in naive(probabilities, targets, 0.75).items():
        metric = scores.metrics[name]
        assert metric.value == pytest.approx(value, abs=1e-12)
        assert (metric.n, metric.best) == (number, 1.0)
        if metric.interval is None:
            assert "fewer than 10 patients" in metric.why and number < 20
        else:
            assert metric.interval[0] <= value <= metric.interval[1]
    half = naive(probabilities, targets, 0.5)
    for name in ("dice_nonempty", "dice_empty_is_one"):
        found = scores.metrics[f"{name}_half_threshold"].value
        assert found == pytest.approx(half[name][0], abs=1e-12)


def test_the_sweep_holds_both_splits_at_every_threshold():
    probabilities, targets = drawn()
    scores = segmentation.score(stored(probabilities, targets), RECIPE, 3, 0)
    sweep = scores.selection["threshold_sweep"]
    assert [entry["threshold"] for entry in sweep] == LEVELS.tolist()
    for entry in sweep:
        for split in ("validation", "test"):
            found = naive(probabilities, targets, entry["threshold"], split)
            for name in ("dice_nonempty", "dice_empty_is_one"):
                assert entry[f"{name}_{split}"] == pytest.approx(found[name][0], abs=1e-12)
    assert scores.selection["threshold"] == 0.75
    assert scores.selection["test_images"] == 24
    assert scores.selection["empty_test_images"] == naive(probabilities, targets, 1)[
        "empty_left_empty"
    ][1]  # fmt: skip


def test_empty_is_one_is_the_mixture_that_its_definition_says():
    probabilities, targets = drawn(11, 50)
    scores = segmentation.score(stored(probabilities, targets, 0.95), RECIPE, 3, 0)
    value = {name: metric.value for name, metric in scores.metrics.items()}
    share = scores.selection["empty_test_images"] / scores.selection["test_images"]
    mixed = (1 - share) * value["dice_nonempty"] + share * value["empty_left_empty"]
    assert value["dice_empty_is_one"] == pytest.approx(mixed, abs=1e-12)
    assert 0 < value["empty_left_empty"] < 1


def test_chance_is_the_mean_over_random_places_of_the_predicted_pixels():
    probabilities, targets = drawn()
    scores = segmentation.score(stored(probabilities, targets), RECIPE, 3, 0)
    rng = np.random.default_rng(0)
    draws = {"dice_nonempty": [], "dice_empty_is_one": []}
    for _ in range(400):
        moved = [rng.permuted(one.ravel()).reshape(one.shape) for one in probabilities]
        for name, (value, _) in naive(moved, targets, 0.75).items():
            if name in draws:
                draws[name].append(value)
    for name, values in draws.items():
        error = np.std(values) / 20
        assert scores.metrics[name].chance == pytest.approx(np.mean(values), abs=5 * error)
    assert scores.metrics["iou_nonempty"].chance is None


@pytest.mark.parametrize("seed", [0, 1])
def test_the_order_of_the_images_changes_nothing(seed):
    probabilities, targets = drawn()
    order = np.random.default_rng(seed).permutation(30)
    first = segmentation.score(stored(probabilities, targets), RECIPE, 3, 100)
    second = segmentation.score(stored(probabilities, targets, order=order), RECIPE, 3, 100)
    for name, metric in first.metrics.items():
        other = second.metrics[name]
        assert other.value == pytest.approx(metric.value, abs=1e-12)
        assert other.interval == pytest.approx(metric.interval, abs=1e-12)
    places = [np.argsort(one.per_sample["ids"]) for one in (first, second)]
    for name, values in first.per_sample.items():
        np.testing.assert_array_equal(values[places[0]], second.per_sample[name][places[1]])


def test_what_is_undefined_says_why():
    probabilities, targets = drawn()
    nothing = [np.zeros_like(target) for target in targets]
    metrics = segmentation.score(stored(probabilities, nothing), RECIPE, 3, 10).metrics
    for name in ("dice_nonempty", "iou_nonempty", "dice_nonempty_half_threshold"):
        assert metrics[name].value is None and "target" in metrics[name].why
    assert metrics["dice_empty_is_one"].value == metrics["empty_left_empty"].value
    everything = [np.ones_like(target) for target in targets]
    metrics = segmentation.score(stored(probabilities, everything), RECIPE, 3, 10).metrics
    assert metrics["empty_left_empty"].value is None and metrics["empty_left_empty"].why
    assert metrics["dice_empty_is_one"].value == metrics["dice_nonempty"].value


def test_the_best_and_the_worst_prediction():
    _, targets = drawn()
    truth = [target.astype(float) for target in targets]
    for name, metric in segmentation.score(stored(truth, targets), RECIPE, 3, 0).metrics.items():
        assert metric.value == metric.best == 1.0, name
    metrics = segmentation.score(stored([1 - one for one in truth], targets), RECIPE, 3, 0).metrics
    assert {metric.value for metric in metrics.values()} == {0.0}


def test_damaged_predictions_are_refused():
    arrays = stored(*drawn())
    with pytest.raises(BadDataError, match="truth_runs"):
        segmentation.score({k: v for k, v in arrays.items() if k != "truth_runs"}, RECIPE, 3, 0)
    with pytest.raises(BadDataError, match="more pixels"):
        segmentation.score({**arrays, "height": arrays["height"] * 0 + 1}, RECIPE, 3, 0)
    with pytest.raises(BadDataError, match="test"):
        segmentation.score({**arrays, "split": np.full(30, "validation")}, RECIPE, 3, 0)


def test_draws_are_averaged_and_stand_at_chance():
    _, targets = drawn(3, 60)
    arrays = stored(targets, targets)
    for name in ("prediction_runs", "prediction_offsets", "thresholds", "threshold"):
        del arrays[name]
    rng = np.random.default_rng(0)
    draws = [[rng.random(one.shape) < 0.5 for one in targets] for _ in range(120)]
    predicted = np.array([[mask.sum() for mask in one] for one in draws]).T
    common = np.array(
        [[(mask & one).sum() for mask, one in zip(masks, targets, strict=True)] for masks in draws]
    ).T
    arrays |= {"predicted_draws": predicted, "common_draws": common}
    scores = segmentation.score(arrays, RECIPE, 3, 50)
    each = [naive([m.astype(float) for m in masks], targets, 0.5) for masks in draws]
    for name, metric in scores.metrics.items():
        values = np.array([one[name][0] for one in each])
        assert metric.value == pytest.approx(values.mean(), abs=1e-12), name
        np.testing.assert_allclose(
            metric.interval,
            values.mean() + np.array([-1.96, 1.96]) * values.std(ddof=1) / np.sqrt(120),
            atol=1e-5,
        )
    errors = scores.selection["standard_error"]
    for name in ("dice_nonempty", "dice_empty_is_one"):
        metric, spread = scores.metrics[name], np.std([one[name][0] for one in each], ddof=1)
        # The known error leaves out that draws differ in how many pixels they call inside.
        assert errors[name] == pytest.approx(spread / np.sqrt(120), rel=0.35)
        assert abs(metric.value - metric.chance) < 4 * errors[name]
    assert scores.per_sample["dice_nonempty"].shape == (48,)
    assert scores.selection["draws"] == 120


def test_a_predictor_that_knows_something_fails_the_test_of_chance():
    _, targets = drawn(3, 60)
    arrays = stored(targets, targets)
    sizes = np.array([one.sum() for one in targets])
    rng = np.random.default_rng(0)
    common = rng.binomial(sizes[:, None], 0.6, (60, 50))
    beside = rng.binomial((arrays["height"] * arrays["width"] - sizes)[:, None], 0.5, (60, 50))
    arrays |= {"predicted_draws": common + beside, "common_draws": common}
    scores = segmentation.score(arrays, RECIPE, 3, 50)
    metric, error = scores.metrics["dice_nonempty"], scores.selection["standard_error"]
    result = SentinelResult("s", "chance", metric.value, metric.chance, error["dice_nonempty"])
    assert not examine_sentinels([result]).holds
