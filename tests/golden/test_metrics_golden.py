"""Metrics against values computed with the official implementation."""

import os
from pathlib import Path

import numpy as np
import pytest

from benchmark.metrics import grounding_maps, grounding_pairs, ranking, segmentation
from benchmark.metrics.ranked_auc import bootstrap_auc
from benchmark.statistics.bootstrap import PatientBootstrap

FOLDER = os.environ.get("MACO_BENCH_GOLDEN", "")
pytestmark = pytest.mark.skipif(
    not FOLDER, reason="MACO_BENCH_GOLDEN is not set: no golden values to compare with"
)
TOLERANCE = 1e-4


def golden_files(kind):
    return sorted(Path(FOLDER).glob(f"{kind}_seed*.npz")) if FOLDER else [Path("unset")]


def close(ours, golden):
    largest = max(float(np.nanmax(np.abs(golden))), 1e-12)
    np.testing.assert_allclose(ours, golden, rtol=0, atol=TOLERANCE * largest)


def test_golden_files_were_found():
    for kind in ("grounding_metrics", "dice", "zero_shot"):
        assert golden_files(kind), f"{kind}_seed*.npz is not in {FOLDER}"


@pytest.mark.parametrize("path", golden_files("grounding_metrics"), ids=lambda path: path.stem)
def test_grounding(path):
    golden = np.load(path)
    heat = grounding_maps.rescale(golden["heatmaps"])
    thresholds = tuple(float(value) for value in golden["thresholds"])
    scores = grounding_pairs.score_heat(heat, golden["masks"], thresholds)
    np.testing.assert_array_equal(np.isnan(scores.iou), np.isnan(golden["iou"]))
    close(scores.iou, golden["iou"])
    close(scores.cnr, golden["cnr"])
    close(scores.pointing_game_official, golden["pointing_game"])
    close(np.mean(np.nanmean(scores.iou, axis=0)), golden["mean_iou"])
    close(scores.cnr.mean(), golden["mean_cnr"])
    close(scores.pointing_game_official.mean(), golden["mean_pg"])
    for column, threshold in enumerate(thresholds):
        dice = segmentation.dice_per_image(heat > threshold, golden["masks"])
        close(dice, golden["dice"][:, column])


@pytest.mark.parametrize("path", golden_files("dice"), ids=lambda path: path.stem)
def test_dice(path):
    golden = np.load(path)
    target = golden["target"]
    dice = segmentation.dice_per_image(golden["prediction"], target)
    close(dice, golden["per_image"])
    metrics = segmentation.dice_metrics(dice, target.any(axis=(1, 2)), np.arange(len(dice)), 0, 0)
    close(metrics["dice_empty_is_one"].value, golden["mean"])
    close(metrics["dice_nonempty"].value, golden["mean_nonempty"])


@pytest.mark.parametrize("path", golden_files("zero_shot"), ids=lambda path: path.stem)
def test_zero_shot_auc(path):
    golden = np.load(path)
    for column, expected in enumerate(golden["auc"]):
        labels = golden["label"][:, column]
        close(ranking.rank_auc(labels, golden["probability"][:, column]), expected)
        once = PatientBootstrap(np.arange(len(labels)), np.ones((1, len(labels)), dtype=int))
        close(bootstrap_auc(labels, golden["probability"][:, column], once)[0], expected)
