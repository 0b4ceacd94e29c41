"""Scores do not move with the order of the samples, batches, workers or shards.

Predictions are stored in whatever order and pieces they were made in. Each case below takes a
family's stored predictions apart and joins them otherwise; every score, interval, level and
threshold must stay, up to the rounding of a sum (1e-12).
"""

import numpy as np
import pytest

from benchmark.metrics import classification, grounding, ranking
from benchmark.metrics.ranked_auc import RankedAuc
from benchmark.metrics.rle import decode, encode
from benchmark.metrics.segmentation import dice_metrics, dice_per_image
from benchmark.metrics.thresholds import RankedClass
from benchmark.recipes import GroundRecipe, LinearProbeRecipe, ZeroShotRecipe

SAMPLES = 90
TOLERANCE = 1e-12


def shuffled(n):
    return np.random.default_rng(11).permutation(n)


def reversed_order(n):
    return np.arange(n)[::-1]


def batches_of(size):
    """Batches that arrive last first."""

    def order(n):
        starts = range(0, n, size)
        return np.concatenate([np.arange(n)[start : start + size] for start in reversed(starts)])

    return order


def workers(count):
    """Every worker takes each `count`-th sample; their files are joined one after the other."""
    return lambda n: np.concatenate([np.arange(n)[worker::count] for worker in range(count)])


def shards_by_patient(n):
    """Shards that hold whole patients, the last patient first."""
    return np.lexsort((np.arange(n), -(np.arange(n) // 2)))


ORDERS = {
    "shuffled": shuffled,
    "reversed": reversed_order,
    "batches of 3": batches_of(3),
    "batches of 7": batches_of(7),
    "batches of 64": batches_of(64),
    "2 workers": workers(2),
    "5 workers": workers(5),
    "shards by patient": shards_by_patient,
}


@pytest.fixture(params=ORDERS.values(), ids=ORDERS.keys())
def order(request):
    """Positions of the samples as they are stored."""
    found = request.param(SAMPLES)
    assert sorted(found) == list(range(SAMPLES))
    assert list(found) != list(range(SAMPLES))
    return found


def same(first, second):
    """Equal structure, and numbers within the tolerance; anything else exactly."""
    if isinstance(first, dict):
        assert set(first) == set(second)
        for key, value in first.items():
            same(value, second[key])
    elif isinstance(first, (list, tuple)):
        assert len(first) == len(second)
        for left, right in zip(first, second, strict=True):
            same(left, right)
    elif isinstance(first, float):
        assert second == pytest.approx(first, rel=0, abs=TOLERANCE, nan_ok=True)
    else:
        assert first == second


def same_scores(first, second):
    """All that a record would hold, and the per-sample arrays by sample."""
    same(
        {k: vars(v) for k, v in first.metrics.items()},
        {k: vars(v) for k, v in second.metrics.items()},
    )
    same(dict(first.selection), dict(second.selection))
    left, right = (np.argsort(one.per_sample["ids"]) for one in (first, second))
    for name, values in first.per_sample.items():
        other = second.per_sample[name][right]
        if values.dtype.kind == "f":
            np.testing.assert_allclose(values[left], other, rtol=0, atol=TOLERANCE)
        else:
            np.testing.assert_array_equal(values[left], other)


def labelled(draws=False):
    rng = np.random.default_rng(0)
    truth = np.eye(3)[rng.choice(3, SAMPLES, p=[0.5, 0.3, 0.2])]
    truth[::9, 1] = np.nan
    arrays = {
        "ids": np.char.add("i", np.arange(SAMPLES).astype(str)),
        "patients": (np.arange(SAMPLES) // 2).astype(str),
        "split": np.where(np.arange(SAMPLES) % 3 == 0, "validation", "test"),
        "classes": np.array(["a", "b", "c"]),
        "truth": truth,
    }
    if draws:
        return arrays | {"scores_draws": rng.integers(0, 256, (SAMPLES, 3, 25)).astype(np.uint8)}
    # Rounded scores tie, which is where an order could show.
    scores = np.round(rng.normal(size=(SAMPLES, 3)) + np.nan_to_num(truth), 1)
    cosine = scores + np.round(rng.normal(size=(SAMPLES, 3)), 1)
    return arrays | {"scores": scores.astype(np.float32), "scores_cosine": cosine}


@pytest.mark.parametrize("draws", [False, True], ids=["scores", "draws"])
@pytest.mark.parametrize(
    "recipe",
    [ZeroShotRecipe(source="test"), LinearProbeRecipe(source="test", target="one_of_many")],
    ids=["multi-label", "one of many"],
)
def test_classification(order, recipe, draws):
    arrays = labelled(draws)
    moved = {key: values if key == "classes" else values[order] for key, values in arrays.items()}
    first, second = (classification.score(one, recipe, 3, 60) for one in (arrays, moved))
    assert len(first.metrics) >= 8
    same_scores(first, second)


def test_classification_by_order_of_the_classes():
    arrays = labelled()
    turned = [2, 0, 1]
    moved = dict(arrays)
    for key in ("truth", "scores", "scores_cosine"):
        moved[key] = arrays[key][:, turned]
    moved["classes"] = arrays["classes"][turned]
    recipe = LinearProbeRecipe(source="test", target="one_of_many")
    first, second = (classification.score(one, recipe, 3, 40) for one in (arrays, moved))
    same(
        {k: vars(v) for k, v in first.metrics.items()},
        {k: vars(v) for k, v in second.metrics.items()},
    )
    chosen, again = dict(first.selection), dict(second.selection)
    names = chosen.pop("class_names")
    assert [names[place] for place in turned] == again.pop("class_names")
    same(chosen, again)


def phrases(draws=False):
    rng = np.random.default_rng(1)
    boxes = np.column_stack([rng.uniform(0, 35, (SAMPLES, 2)), rng.uniform(4, 20, (SAMPLES, 2))])
    arrays = {
        "ids": np.char.add("p", np.arange(SAMPLES).astype(str)),
        "patients": (np.arange(SAMPLES) // 2).astype(str),
        "split": np.where(np.arange(SAMPLES) % 4 == 0, "validation", "test"),
        "category": np.array(["Edema", "Pneumonia"])[np.arange(SAMPLES) % 2],
        "grid": np.array([7, 7]),
        "frame": np.array([56]),
        "boxes": np.concatenate([boxes, boxes[:9] + 2]),
        "box_pair": np.concatenate([np.arange(SAMPLES), np.arange(9)]),
    }
    if draws:
        noise = rng.normal(size=(SAMPLES, 49, 3)).astype(np.float32)
        return arrays | {"similarities_draws": noise}
    maps = ("similarities", "similarities_cosine", "similarities_swapped")
    arrays |= {name: rng.normal(size=(SAMPLES, 49)) + 0.5 for name in maps}
    return arrays | {"weights": rng.normal(size=49) * 0.01}


@pytest.mark.parametrize("draws", [False, True], ids=["maps", "draws"])
def test_grounding(order, draws):
    arrays = phrases(draws)
    whole = ("grid", "frame", "boxes", "box_pair", "weights")
    moved = {key: values if key in whole else values[order] for key, values in arrays.items()}
    place = np.argsort(order)
    boxes = np.random.default_rng(2).permutation(len(arrays["boxes"]))
    moved["box_pair"] = place[arrays["box_pair"]][boxes]
    moved["boxes"] = arrays["boxes"][boxes]
    recipe = GroundRecipe(source="test", frame=56)
    first, second = (grounding.score(one, recipe, 3, 60) for one in (arrays, moved))
    same_scores(first, second)


def test_segmentation(order):
    rng = np.random.default_rng(3)
    prediction, target = rng.random((2, SAMPLES, 9, 8)) < 0.3
    target[::3] = prediction[::6] = False
    patients = (np.arange(SAMPLES) // 2).astype(str)
    dice = dice_per_image(prediction, target)
    # One image after the other, from the stored run lengths, as a shard would hold them.
    single = np.concatenate(
        [
            dice_per_image(decode(encode(prediction[row]), 9, 8)[None], target[row][None])
            for row in order
        ]
    )
    np.testing.assert_array_equal(single, dice[order])
    nonempty = target.any(axis=(1, 2))
    first = dice_metrics(dice, nonempty, patients, 3, 80)
    second = dice_metrics(single, nonempty[order], patients[order], 3, 80)
    same({k: vars(v) for k, v in first.items()}, {k: vars(v) for k, v in second.items()})


def test_ranking(order):
    arrays = labelled()
    weights = np.random.default_rng(4).integers(0, 4, (SAMPLES, 5)).astype(np.float32)
    for column in range(3):
        truth, scores = arrays["truth"][:, column], arrays["scores"][:, column]
        moved = truth[order], scores[order]
        for function in (ranking.rank_auc, ranking.average_precision, ranking.best_f1_threshold):
            same(float(function(truth, scores)), float(function(*moved)))
        codes = np.arange(SAMPLES)
        first = RankedAuc.of(truth, scores, codes, SAMPLES).under(weights)
        second = RankedAuc.of(*moved, codes, SAMPLES).under(weights[order])
        np.testing.assert_array_equal(first, second)
        under = RankedClass.of(truth, scores).metrics_under(weights, 0.4)
        again = RankedClass.of(*moved).metrics_under(weights[order], 0.4)
        for name, values in under.items():
            np.testing.assert_allclose(values, again[name], rtol=0, atol=TOLERANCE, err_msg=name)
