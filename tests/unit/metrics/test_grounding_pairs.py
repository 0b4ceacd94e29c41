"""CNR, IoU and pointing game of single pairs against loops; conventions."""

import numpy as np
import pytest

from benchmark.metrics.grounding_maps import rescale
from benchmark.metrics.grounding_pairs import score_heat, score_maps

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5)


def cnr_by_loops(heat, counts, official=False):
    inside = [
        h
        for h, c in zip(heat.ravel(), counts.ravel(), strict=True)
        if (c == 1 if official else c > 0)
    ]
    outside = [h for h, c in zip(heat.ravel(), counts.ravel(), strict=True) if c == 0]
    noise = np.sqrt(np.var(inside, dtype=np.float64) + np.var(outside, dtype=np.float64))
    return (np.mean(inside, dtype=np.float64) - np.mean(outside, dtype=np.float64)) / noise


def iou_by_loops(heat, mask, threshold):
    predicted = {tuple(p) for p in np.argwhere(heat > threshold)}
    true = {tuple(p) for p in np.argwhere(mask)}
    return len(predicted & true) / len(predicted | true) if predicted else np.nan


@pytest.fixture
def pairs():
    rng = np.random.default_rng(0)
    heat = rescale(rng.normal(size=(6, 12, 12)))
    counts = np.zeros((6, 12, 12), dtype=np.uint8)
    for pair in range(6):
        counts[pair, pair : pair + 4, 2:7] += 1
        counts[pair, pair + 2 : pair + 6, 4:9] += 1
    return heat, counts


def test_all_scores_equal_loops(pairs):
    heat, counts = pairs
    scores = score_heat(heat, counts, THRESHOLDS)
    for pair in range(6):
        mask = counts[pair] > 0
        assert scores.cnr[pair] == pytest.approx(cnr_by_loops(heat[pair], counts[pair]), abs=1e-6)
        expected = [iou_by_loops(heat[pair], mask, t) for t in THRESHOLDS]
        np.testing.assert_allclose(scores.iou[pair], expected)
        peak = np.unravel_index(heat[pair].argmax(), (12, 12))
        assert scores.pointing_game[pair] == scores.pointing_game_official[pair] == mask[peak]
    np.testing.assert_array_equal(scores.cnr_absolute, np.abs(scores.cnr))


def test_iou_is_symmetric(pairs):
    _, counts = pairs
    first, second = (counts[:1] > 0), (counts[3:4] > 0)
    one = score_heat(first.astype(float), second, (0.5,)).iou
    other = score_heat(second.astype(float), first, (0.5,)).iou
    np.testing.assert_allclose(one, other)
    assert score_heat(first.astype(float), first, (0.5,)).iou == 1


def test_official_merge_leaves_overlap_out_of_the_cnr_only(pairs):
    heat, counts = pairs
    union, official = (score_heat(heat, counts, THRESHOLDS, merge) for merge in (False, True))
    np.testing.assert_array_equal(union.iou, official.iou)
    np.testing.assert_array_equal(union.pointing_game, official.pointing_game)
    for pair in range(6):
        expected = cnr_by_loops(heat[pair], counts[pair], official=True)
        assert official.cnr[pair] == pytest.approx(expected, abs=1e-6)
        assert official.cnr[pair] != union.cnr[pair]


def test_constant_map():
    counts = np.zeros((1, 10, 10), dtype=np.uint8)
    counts[0, :5, :4] = 1
    scores = score_heat(np.zeros((1, 10, 10)), counts, THRESHOLDS)
    assert scores.cnr[0] == 0
    assert np.isnan(scores.iou).all()
    assert not scores.iou_empty_is_zero.any()
    assert scores.pointing_game[0] == pytest.approx(0.2)
    assert scores.pointing_game_official[0] == 1


def test_shared_maximum_gives_the_expected_hit():
    heat = -np.ones((1, 4, 4))
    heat[0, 0, :4] = 1
    counts = np.zeros((1, 4, 4), dtype=np.uint8)
    counts[0, 0, 0] = 1
    scores = score_heat(heat, counts, ())
    assert scores.pointing_game[0] == 0.25
    assert scores.pointing_game_official[0] == 1


def test_pair_without_a_box_is_undefined(pairs):
    heat, counts = pairs
    counts[2] = 0
    scores = score_heat(heat, counts, THRESHOLDS)
    for values in (scores.cnr, scores.pointing_game, scores.iou_empty_is_zero[:, 0]):
        assert np.isnan(values[2])
        assert np.isfinite(np.delete(values, 2)).all()


def test_score_of_a_pair_does_not_depend_on_its_batch():
    rng = np.random.default_rng(4)
    maps, counts = rng.normal(size=(70, 49)), np.zeros((70, 28, 28), dtype=np.uint8)
    counts[:, 5:15, 3:12] = 1
    together = score_maps(maps, (7, 7), counts, 1.5, THRESHOLDS)
    for pair in (0, 31, 32, 69):
        alone = score_maps(maps[pair : pair + 1], (7, 7), counts[:1], 1.5, THRESHOLDS)
        np.testing.assert_allclose(together.cnr[pair], alone.cnr[0], atol=1e-5)
        np.testing.assert_allclose(together.iou[pair], alone.iou[0], atol=1e-6)
