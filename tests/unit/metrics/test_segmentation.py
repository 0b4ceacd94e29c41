"""Dice and its conventions for empty masks."""

import numpy as np
import pytest

from benchmark.errors import BadDataError
from benchmark.metrics.segmentation import dice_from_counts, dice_metrics, dice_per_image


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
    low, high = metrics["dice_nonempty"].interval
    assert low < metrics["dice_nonempty"].value < high


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
