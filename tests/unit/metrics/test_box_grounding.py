"""Recall, IoU and Dice of regions against loops over pixels; who chose the threshold."""

import dataclasses
import importlib
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.errors import BadDataError
from benchmark.interfaces import SentinelSamples
from benchmark.metrics import grounding
from benchmark.metrics.box_grounding import score
from benchmark.metrics.grounding_maps import (
    box_counts,
    box_coverage,
    heat_maps,
    reference_coverage,
    softmax_weights,
)
from benchmark.metrics.map_thresholds import OVERLAPS
from benchmark.metrics.resampled import comparable_metrics
from benchmark.recipes.ground import ClassGroundRecipe
from benchmark.registry import CHECKOUT
from benchmark.reporting.layout import read_layout
from benchmark.statistics.bootstrap import PatientBootstrap

GRID, FRAME = (7, 7), 28
RECIPE = ClassGroundRecipe(source="test", frame=FRAME, map_thresholds=(-0.7, -0.35, 0.2, 0.6))
CANDIDATES = (-0.7, -0.35, 0.0, 0.2, 0.6)
TASKS = ("nih_box_grounding", "rsna_grounding", "siim_grounding")


def predictions(n=32, seed=0, weights=False):
    """Every fourth pair of validation; two boxes on the first three pairs."""
    rng = np.random.default_rng(seed)
    boxes = np.column_stack([rng.uniform(0, 17, (n, 2)), rng.uniform(3, 10, (n, 2))])
    boxes = np.concatenate([boxes, boxes[:3] + 2])
    owner = np.concatenate([np.arange(n), np.arange(3)])
    truth = box_coverage(boxes, owner, n, GRID, FRAME)
    names = ("similarities", "similarities_cosine", "similarities_swapped")
    return {
        "ids": np.char.add("p", np.arange(n).astype(str)),
        "patients": (np.arange(n) // 2).astype(str),
        "split": np.where(np.arange(n) % 4 == 0, "validation", "test"),
        "category": np.array(["Mass", "Nodule", "Effusion"])[np.arange(n) % 3],
        "grid": np.array(GRID),
        "frame": np.array([FRAME]),
        "boxes": boxes,
        "box_pair": owner,
        "weights": rng.normal(size=49) * 0.01 if weights else np.zeros(0),
        **{name: truth + rng.normal(size=(n, 49)) * 0.4 + 1 for name in names},
    }


def masks_of(arrays):
    return box_counts(arrays["boxes"], arrays["box_pair"], len(arrays["ids"]), FRAME) > 0


def by_loops(heat, mask, threshold):
    """Recall, IoU, Dice of one pair from sets of pixels."""
    region = {(r, c) for r in range(FRAME) for c in range(FRAME) if heat[r, c] > threshold}
    true = {(r, c) for r in range(FRAME) for c in range(FRAME) if mask[r, c]}
    both = len(region & true)
    dice = 2 * both / (len(region) + len(true))
    return {"recall": both / len(true), "iou": both / len(region | true), "dice": dice}


def naive(arrays, maps, splits=("validation", "test")):
    """The threshold that `splits[0]` likes best, and the mean scores of `splits[1]` at it."""
    heat = heat_maps(maps, GRID, FRAME, 1.5)
    masks = masks_of(arrays)

    def scores(split, threshold):
        rows = np.flatnonzero(arrays["split"] == split)
        return [by_loops(heat[row], masks[row], threshold) for row in rows if masks[row].any()]

    quality = [fmean(one["dice"] for one in scores(splits[0], t)) for t in CANDIDATES]
    threshold = CANDIDATES[quality.index(max(quality))]
    found = scores(splits[1], threshold)
    return threshold, {name: fmean(one[name] for one in found) for name in OVERLAPS}, quality


def check(scores, suffix, expected):
    for name in OVERLAPS:
        assert scores.metrics[name + suffix].value == pytest.approx(expected[name]), name + suffix
        assert scores.metrics[name + suffix].best == 1.0


def test_every_map_has_its_own_threshold_from_validation():
    arrays = predictions(weights=True)
    scores = score(arrays, RECIPE, 0, 0)
    factor = softmax_weights(arrays["weights"], scores.selection["weight_temperature"])
    official = softmax_weights(arrays["weights"], 0.02)
    maps = {
        "": arrays["similarities"] * factor,
        "/map_only": arrays["similarities"],
        "/weights_only": np.tile(factor, (32, 1)),
        "/phrase_swapped": arrays["similarities_swapped"] * factor,
        "/cosine": arrays["similarities_cosine"] * factor,
        "/official_tau": arrays["similarities"] * official,
    }
    for suffix, values in maps.items():
        threshold, expected, quality = naive(arrays, values)
        check(scores, suffix, expected)
        assert scores.selection["thresholds"][suffix[1:] or "headline"] == threshold
        if not suffix:
            assert scores.selection["threshold"] == threshold
            sweep = scores.selection["threshold_sweep"]
            assert [entry["threshold"] for entry in sweep] == list(CANDIDATES)
            np.testing.assert_allclose([entry["validation_dice"] for entry in sweep], quality)
    assert len({*scores.selection["thresholds"].values()}) > 1


def test_the_other_metrics_are_those_of_grounding():
    arrays = predictions(weights=True)
    scores, base = score(arrays, RECIPE, 3, 30), grounding.score(arrays, RECIPE, 3, 30)
    for name, metric in base.metrics.items():
        assert scores.metrics[name] == metric
    np.testing.assert_array_equal(scores.per_sample["miou"], base.per_sample["iou"])
    assert scores.metrics["miou"].value == pytest.approx(scores.per_sample["miou"].mean())
    for name in OVERLAPS:
        assert scores.metrics[name].value == pytest.approx(scores.per_sample[name].mean())
        low, high = scores.metrics[name].interval
        assert low < scores.metrics[name].value < high
    dice = scores.metrics["dice"]
    category = scores.per_sample["category"]
    assert set(dice.per_class) == {"Mass", "Nodule", "Effusion"}
    for finding, value in dice.per_class.items():
        assert value == pytest.approx(scores.per_sample["dice"][category == finding].mean())
        here = scores.per_sample["patients"][category == finding]
        interval = dice.interval_per_class[finding]
        if len(set(here)) < 10:
            assert interval is None
        else:
            assert interval[0] <= value <= interval[1]


def test_nothing_is_chosen_on_the_test_pairs():
    arrays = predictions()
    test = arrays["split"] == "test"
    moved = dict(arrays, similarities=arrays["similarities"].copy(), boxes=arrays["boxes"].copy())
    moved["similarities"][test] *= -1
    moved["boxes"][np.isin(arrays["box_pair"], np.flatnonzero(test))] = [0, 0, 3, 3]
    first, second = (score(one, RECIPE, 0, 0) for one in (arrays, moved))
    for key in ("threshold", "thresholds", "threshold_sweep", "threshold_chosen_by"):
        assert first.selection[key] == second.selection[key]
    assert first.metrics["dice"].value != second.metrics["dice"].value


def test_the_published_rule_looks_at_the_answers():
    arrays = predictions(seed=4)
    scores = score(arrays, RECIPE, 2, 40)
    threshold, expected, _ = naive(arrays, arrays["similarities"], ("test", "test"))
    check(scores, "/test_threshold_published", expected)
    assert scores.selection["threshold_on_test_published"] == threshold
    assert expected["dice"] >= scores.metrics["dice"].value
    heat, masks = heat_maps(arrays["similarities"], GRID, FRAME, 1.5), masks_of(arrays)
    rows = np.flatnonzero(arrays["split"] == "test")
    dice = np.array([[by_loops(heat[r], masks[r], t)["dice"] for t in CANDIDATES] for r in rows])
    bootstrap = PatientBootstrap.draw(arrays["patients"][rows], 40, 2)
    drawn = []
    for counts in bootstrap.counts:
        often = counts[bootstrap.codes].astype(float)
        drawn.append(max((often @ dice[:, column]) / often.sum() for column in range(5)))
    centred = np.array(drawn) - np.mean(drawn) + expected["dice"]
    interval = scores.metrics["dice/test_threshold_published"].interval
    assert interval == pytest.approx(tuple(np.quantile(centred, [0.025, 0.975])))


def test_half_of_the_range_looks_at_no_box():
    arrays = predictions()
    heat, masks = heat_maps(arrays["similarities"], GRID, FRAME, 1.5), masks_of(arrays)
    rows = np.flatnonzero(arrays["split"] == "test")
    found = [by_loops(heat[row], masks[row], 0.0) for row in rows]
    expected = {name: fmean(one[name] for one in found) for name in OVERLAPS}
    scores = score(arrays, RECIPE, 0, 0)
    check(scores, "/half_range", expected)
    fixed = score(arrays, dataclasses.replace(RECIPE, threshold_rule="half"), 0, 0)
    check(fixed, "", expected)
    assert fixed.selection["threshold"] == 0.0
    assert "recipe" in fixed.selection["threshold_chosen_by"]
    alone = score(arrays | {"split": np.full(32, "test")}, RECIPE, 0, 0)
    assert alone.selection["threshold"] == 0.0
    assert "no validation pair" in alone.selection["threshold_chosen_by"]
    assert alone.selection["threshold_sweep"][0]["validation_dice"] is None


def test_the_whole_image_as_a_region():
    arrays = predictions()
    share = masks_of(arrays)[arrays["split"] == "test"].mean(axis=(1, 2))
    metrics = score(arrays, RECIPE, 0, 0).metrics
    assert metrics["recall/whole_image"].value == 1.0
    assert metrics["iou/whole_image"].value == pytest.approx(share.mean())
    assert metrics["dice/whole_image"].value == pytest.approx((2 * share / (1 + share)).mean())


def test_a_constant_map_is_everything_or_nothing():
    arrays = predictions() | {"similarities": np.full((32, 49), 3.0)}
    scores = score(arrays, RECIPE, 0, 0)
    assert scores.selection["threshold"] == -0.7, "of equally good ones the lowest"
    assert scores.metrics["recall"].value == 1.0
    assert scores.metrics["dice"].value == scores.metrics["dice/whole_image"].value
    for name in OVERLAPS:
        assert scores.metrics[f"{name}/half_range"].value == 0.0, "an empty prediction"


def test_a_truth_outside_the_frame_is_left_out():
    arrays = predictions()
    outside = np.flatnonzero((arrays["split"] == "test") & (np.arange(32) > 3))[:2]
    arrays["boxes"][np.isin(arrays["box_pair"], outside)] = [FRAME + 4, 0, 3, 3]
    scores = score(arrays, RECIPE, 0, 0)
    assert scores.metrics["dice"].n == 22
    assert np.isnan(scores.per_sample["dice"]).sum() == 2
    check(scores, "", naive(arrays, arrays["similarities"])[1])
    arrays["boxes"][:] = [FRAME + 4, 0, 3, 3]
    nothing = score(arrays, RECIPE, 0, 20)
    for name in ("recall", "iou", "dice", "dice/half_range", "dice/test_threshold_published"):
        assert nothing.metrics[name].value is None
        assert nothing.metrics[name].why == "no box lies in the frame"
    assert nothing.selection["threshold_on_test_published"] is None


def test_dice_by_lesion_size():
    scores = score(predictions(60), RECIPE, 0, 10)
    patches, dice = scores.per_sample["lesion_fraction"] * 196, scores.per_sample["dice"]
    medium = (patches > 4) & (patches <= 16)
    metric = scores.metrics["dice/medium_lesions"]
    assert (metric.value, metric.n) == (pytest.approx(dice[medium].mean()), medium.sum())


def test_cosines_as_the_headline():
    arrays = predictions(weights=True)
    recipe = dataclasses.replace(RECIPE, similarity="cosine")
    scores = score(arrays, recipe, 0, 0)
    by_hand = score(arrays | {"similarities": arrays["similarities_cosine"]}, RECIPE, 0, 0)
    for name in ("", "/map_only", "/official_tau", "/phrase_swapped", "/cosine"):
        for metric in (*OVERLAPS, "cnr", "miou", "pointing_game"):
            assert scores.metrics[metric + name].value == by_hand.metrics[metric + name].value
    assert scores.metrics["dice/cosine"].value == scores.metrics["dice"].value
    factor = softmax_weights(arrays["weights"], scores.selection["weight_temperature"])
    check(scores, "/dot", naive(arrays, arrays["similarities"] * factor)[1])
    assert "dice/dot" not in score(arrays, RECIPE, 0, 0).metrics
    assert scores.metrics["cnr/dot"].value != scores.metrics["cnr"].value


def test_a_sentinel_without_cosines_serves_both_kinds():
    arrays = predictions()
    del arrays["similarities_cosine"], arrays["similarities_swapped"], arrays["weights"]
    dot = score(arrays, RECIPE, 0, 0)
    cosine = score(arrays, dataclasses.replace(RECIPE, similarity="cosine"), 0, 0)
    assert dot.metrics["dice"] == cosine.metrics["dice"]
    assert dot.metrics["dice/cosine"].why == "no cosine similarities are stored"
    assert "no patch weights" in dot.metrics["recall/weights_only"].why


def test_each_draw_has_its_threshold():
    arrays = predictions()
    for name in ("similarities", "similarities_cosine", "similarities_swapped", "weights"):
        del arrays[name]
    draws = np.random.default_rng(5).normal(size=(32, 49, 4))
    scores = score(arrays | {"similarities_draws": draws}, RECIPE, 0, 50)
    found = [naive(arrays, draws[:, :, number])[1] for number in range(4)]
    for name in OVERLAPS:
        values = [one[name] for one in found]
        assert scores.metrics[name].value == pytest.approx(fmean(values))
        error = np.std(values, ddof=1) / 2
        assert scores.selection["standard_error"][name] == pytest.approx(error)
        assert scores.per_sample[name].shape == (24,)
    assert scores.selection["standard_error"]["cnr"] is not None
    assert scores.metrics["recall/whole_image"].value == 1.0


def test_the_order_of_the_pairs_moves_nothing():
    arrays = predictions(weights=True)
    order = np.random.default_rng(8).permutation(32)
    whole = ("grid", "frame", "boxes", "box_pair", "weights")
    moved = {key: values if key in whole else values[order] for key, values in arrays.items()}
    moved["box_pair"] = np.argsort(order)[arrays["box_pair"]]
    first, second = (score(one, RECIPE, 3, 40) for one in (arrays, moved))
    for name, metric in first.metrics.items():
        other = second.metrics[name]
        assert (metric.value is None) == (other.value is None)
        if metric.value is not None:
            assert other.value == pytest.approx(metric.value, abs=1e-12)
            assert other.interval == pytest.approx(metric.interval, abs=1e-12)


@settings(max_examples=25)
@given(
    st.lists(st.floats(-1, 0.99), min_size=1, max_size=6),
    st.integers(0, 10_000),
)
def test_overlaps_at_any_thresholds(thresholds, seed):
    from benchmark.metrics.grounding_forms import pair_set
    from benchmark.metrics.map_thresholds import candidates, count_pixels

    arrays = predictions(8, seed)
    pairs = pair_set(arrays, np.arange(8), RECIPE)
    counted = count_pixels(arrays["similarities"], pairs, candidates(thresholds))
    found = counted.overlaps()
    heat = heat_maps(arrays["similarities"], GRID, FRAME, 1.5)
    masks = masks_of(arrays)
    assert (np.diff(found["recall"], axis=1) <= 0).all(), "a higher threshold covers less"
    np.testing.assert_allclose(found["dice"], 2 * found["iou"] / (1 + found["iou"]))
    for column, threshold in enumerate(counted.thresholds):
        expected = by_loops(heat[seed % 8], masks[seed % 8], np.float32(threshold))
        for name in OVERLAPS:
            assert found[name][seed % 8, column] == pytest.approx(expected[name])


@pytest.mark.parametrize("outside", [(-1.5, 0.0), (0.0, 1.0)])
def test_a_threshold_outside_the_range_is_refused(outside):
    with pytest.raises(BadDataError, match="map_thresholds"):
        score(predictions(), dataclasses.replace(RECIPE, map_thresholds=outside), 0, 0)


def sentinel_dice(name, truth, reference):
    n = len(truth["category"])
    samples = SentinelSamples(
        "ground", np.arange(n).astype(str), truth["category"], GRID, FRAME, reference,
        {"patients": np.arange(n).astype(str)}, 6,
    )  # fmt: skip
    module = importlib.import_module(f"baselines.{name}")
    # Both categories stand in validation, as in a split by patient.
    split = np.where(np.arange(n) // 2 % 4 == 0, "validation", "test")
    arrays = predictions(n) | truth | {"split": split}
    for stored in ("similarities", "similarities_cosine", "similarities_swapped", "weights"):
        del arrays[stored]
    arrays |= module.predict(samples, truth, np.random.default_rng(0))
    return score(arrays, RECIPE, 0, 0).metrics["dice"].value, samples


def lungs(n, seed):
    """Boxes that lie left or right, as their category prefers."""
    rng = np.random.default_rng(seed)
    category = np.array(["Mass", "Nodule"])[np.arange(n) % 2]
    left = rng.random(n) < np.where(category == "Mass", 0.9, 0.1)
    x = np.where(left, 3, 17) + rng.uniform(-2, 2, n)
    size = rng.uniform(6, 9, (n, 2))
    boxes = np.column_stack([x, 8 + rng.uniform(-3, 3, n), size])
    return {"boxes": boxes, "box_pair": np.arange(n), "category": category}


def test_sentinels_stand_in_order():
    truth, reference = lungs(80, 0), lungs(120, 1)
    names = ("oracle_at_grid", "class_prior", "static_prior", "noise_x_weights", "chance")
    dice = [sentinel_dice(name, truth, reference)[0] for name in names]
    assert dice[0] > 0.7, "the truth through the grid"
    assert dice == sorted(dice, reverse=True)
    samples = sentinel_dice("static_prior", truth, reference)[1]
    assert reference_coverage(samples).shape == (120, 49)


def test_the_layout_asks_for_what_the_metrics_give():
    arrays = predictions(weights=True)
    scores = score(arrays, dataclasses.replace(RECIPE, similarity="cosine"), 0, 10)
    layout = read_layout(CHECKOUT / "leaderboards" / "tables" / "g2d_table2a.toml")
    assert set(layout.tasks) == set(TASKS)
    for column in layout.columns:
        comparable = comparable_metrics("box_grounding")
        given_names = comparable if column.excess_over else scores.metrics
        assert set(column.metrics.values()) <= set(given_names), column.title
    for extra in layout.extras:
        if extra.kind == "sweep":
            assert {*extra.metrics.values(), extra.chosen_field} <= set(
                scores.selection[extra.selection][0]
            )
            assert extra.chosen in scores.selection
        else:
            assert {extra.metric, *extra.metrics.values()} - {""} <= set(scores.metrics)
