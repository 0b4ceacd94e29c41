"""Grounding scores: the product and its parts, tau, strata, draws."""

import numpy as np
import pytest

from benchmark.errors import BadDataError
from benchmark.metrics.grounding import score
from benchmark.metrics.grounding_maps import box_counts, box_coverage, softmax_weights
from benchmark.metrics.grounding_pairs import score_maps
from benchmark.recipes import GroundRecipe

RECIPE = GroundRecipe(source="test", frame=56)
GRID, FRAME = (7, 7), 56


def predictions(n=40, seed=0, weights=True):
    rng = np.random.default_rng(seed)
    boxes = np.column_stack([rng.uniform(0, 35, (n, 2)), rng.uniform(4, 20, (n, 2))])
    boxes = np.concatenate([boxes, boxes[:3] + 2])
    owner = np.concatenate([np.arange(n), np.arange(3)])
    truth = box_coverage(boxes, owner, n, GRID, FRAME)
    return {
        "ids": np.arange(n).astype(str),
        "patients": (np.arange(n) // 2).astype(str),
        "split": np.where(np.arange(n) % 4 < 2, "validation", "test"),
        "category": np.array(["Edema", "Pneumonia"])[np.arange(n) % 2],
        "grid": np.array(GRID),
        "frame": np.array([FRAME]),
        "boxes": boxes,
        "box_pair": owner,
        "similarities": truth + rng.normal(size=(n, 49)) * 0.5 + 1,
        "similarities_cosine": truth + rng.normal(size=(n, 49)) * 0.5,
        "similarities_swapped": rng.normal(size=(n, 49)),
        "weights": rng.normal(size=49) * 0.01 if weights else np.zeros(0),
    }


def direct(arrays, maps, thresholds=RECIPE.thresholds):
    rows = np.flatnonzero(arrays["split"] == "test")
    counts = box_counts(arrays["boxes"], arrays["box_pair"], len(arrays["ids"]), FRAME)[rows]
    return score_maps(maps[rows], GRID, counts, 1.5, thresholds)


def test_every_map_is_scored_as_named():
    arrays = predictions()
    scores = score(arrays, RECIPE, 0, 20)
    tau = scores.selection["weight_temperature"]
    factor = softmax_weights(arrays["weights"], tau)
    official = softmax_weights(arrays["weights"], 0.02)
    maps = {
        "": arrays["similarities"] * factor,
        "/map_only": arrays["similarities"],
        "/weights_only": np.tile(factor, (40, 1)),
        "/phrase_swapped": arrays["similarities_swapped"] * factor,
        "/cosine": arrays["similarities_cosine"] * factor,
        "/official_tau": arrays["similarities"] * official,
    }
    for suffix, values in maps.items():
        expected = direct(arrays, values)
        metrics = scores.metrics
        assert metrics["cnr" + suffix].value == pytest.approx(expected.cnr.mean())
        assert metrics["cnr_absolute" + suffix].value == pytest.approx(np.abs(expected.cnr).mean())
        assert metrics["miou" + suffix].value == pytest.approx(np.nan_to_num(expected.iou).mean())
        assert metrics["pointing_game" + suffix].value == pytest.approx(
            expected.pointing_game.mean()
        )
    assert scores.metrics["cnr"].best is None
    assert scores.metrics["miou"].best == scores.metrics["pointing_game"].best == 1
    np.testing.assert_allclose(scores.per_sample["cnr"].mean(), scores.metrics["cnr"].value)
    np.testing.assert_allclose(scores.per_sample["iou"].mean(), scores.metrics["miou"].value)
    assert {"ids", "patients", "cnr_absolute", "pointing_game"} <= set(scores.per_sample)


def test_temperature_is_the_best_of_the_sweep_on_validation_alone():
    arrays = predictions()
    scores = score(arrays, RECIPE, 0, 0)
    sweep = scores.selection["weight_temperature_sweep"]
    assert [entry["multiple"] for entry in sweep] == list(RECIPE.weight_temperatures)
    best = max(sweep, key=lambda entry: entry["validation_cnr"])
    assert scores.selection["weight_temperature"] == best["temperature"]
    swapped = dict(arrays, split=np.where(arrays["split"] == "test", "validation", "test"))
    expected = [
        direct(
            swapped,
            arrays["similarities"] * softmax_weights(arrays["weights"], e["temperature"]),
            (),
        )
        for e in sweep
    ]
    np.testing.assert_allclose(
        [entry["validation_cnr"] for entry in sweep], [one.cnr.mean() for one in expected]
    )
    changed = dict(arrays, similarities=arrays["similarities"].copy())
    changed["similarities"][arrays["split"] == "test"] *= -1
    assert score(changed, RECIPE, 0, 0).selection["weight_temperature_sweep"] == sweep


def test_scale_of_the_weights_has_no_influence_on_the_headline():
    arrays = predictions()
    larger = dict(arrays, weights=arrays["weights"] * 100)
    first, second = (score(one, RECIPE, 0, 0).metrics for one in (arrays, larger))
    assert first["cnr"].value == pytest.approx(second["cnr"].value, rel=1e-5)
    assert first["cnr/official_tau"].value != pytest.approx(second["cnr/official_tau"].value)


@pytest.mark.parametrize("weights", [np.zeros(0), np.full(49, 0.3)])
def test_no_or_constant_weights_are_the_map_alone(weights):
    scores = score(predictions() | {"weights": weights}, RECIPE, 0, 20)
    for name in ("cnr", "miou", "pointing_game"):
        assert scores.metrics[name].value == scores.metrics[name + "/map_only"].value
    assert scores.selection["weight_temperature"] is None
    assert scores.selection["weights"]
    alone = scores.metrics["cnr/weights_only"]
    if len(weights):
        assert alone.value == 0
        assert scores.metrics["miou_official/weights_only"].value is None
    else:
        assert alone.value is None
        assert "no patch weights" in alone.why


def test_noise_times_weights_takes_the_sign_of_the_mean():
    arrays = predictions(n=400)
    rng = np.random.default_rng(1)
    arrays["weights"] = np.log(
        box_coverage(arrays["boxes"], arrays["box_pair"], 400, GRID, FRAME).mean(0) + 1e-3
    )
    noise = rng.normal(size=(400, 49)) * 0.3
    signed = {}
    for mean in (1.0, -1.0):
        arrays["similarities"] = noise + mean
        metrics = score(
            arrays, GroundRecipe(source="test", weight_temperatures=(1.0,)), 0, 0
        ).metrics
        signed[mean] = metrics["cnr"].value
        assert abs(metrics["cnr/map_only"].value) < 0.15
    assert signed[1.0] > 0.5
    assert signed[-1.0] < -0.5


def test_categories_and_lesion_sizes():
    arrays = predictions()
    scores = score(arrays, RECIPE, 0, 50)
    sample = scores.per_sample
    for category in ("Edema", "Pneumonia"):
        expected = sample["cnr"][sample["category"] == category].mean()
        assert scores.metrics["cnr"].per_class[category] == pytest.approx(expected)
        low, high = scores.metrics["cnr"].interval_per_class[category]
        assert low < expected < high
    patches = sample["lesion_fraction"] * 196
    small = patches <= 4
    assert scores.metrics["cnr/small_lesions"].n == small.sum()
    assert scores.metrics["cnr/small_lesions"].value == pytest.approx(sample["cnr"][small].mean())
    sizes = [scores.metrics[f"cnr/{size}_lesions"].n for size in ("small", "medium", "large")]
    assert sum(sizes) == len(patches)


def test_boxes_of_other_splits_do_not_leak_in():
    arrays = predictions()
    moved = dict(arrays, boxes=arrays["boxes"].copy())
    moved["boxes"][np.isin(arrays["box_pair"], np.flatnonzero(arrays["split"] == "validation"))] = [
        0,
        0,
        56,
        56,
    ]
    first, second = (score(one, RECIPE, 0, 0).metrics for one in (arrays, moved))
    assert first["cnr/map_only"].value == second["cnr/map_only"].value


def test_draws_are_averaged():
    arrays = predictions()
    for name in ("similarities", "similarities_cosine", "similarities_swapped", "weights"):
        del arrays[name]
    draws = np.random.default_rng(0).normal(size=(40, 49, 5))
    arrays["similarities_draws"] = draws
    scores = score(arrays, RECIPE, 0, 50)
    means = [direct(arrays, draws[:, :, number]).cnr.mean() for number in range(5)]
    assert scores.metrics["cnr"].value == pytest.approx(np.mean(means))
    error = np.std(means, ddof=1) / np.sqrt(5)
    assert scores.selection["standard_error"]["cnr"] == pytest.approx(error)
    assert len(scores.per_sample["cnr"]) == 20


def test_no_similarities_is_an_error():
    arrays = predictions()
    del arrays["similarities"]
    with pytest.raises(BadDataError, match="similarities"):
        score(arrays, RECIPE, 0, 0)
