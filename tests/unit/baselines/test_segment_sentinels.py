"""Sentinels of segmentation: what each predicts, what it scores, and that tables would notice."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmark import registry
from benchmark.errors import BadDataError, UsageError
from benchmark.metrics import segmentation
from benchmark.metrics.mask_runs import MaskRuns
from benchmark.protocols import segment
from benchmark.statistics.chance import SentinelResult, examine_sentinels

sys.path.insert(0, str(Path(__file__).parents[1] / "protocols"))

from segmented import FRAME, RECIPE, cell

SENTINELS = ("always_empty", "always_full", "chance", "oracle")


def outcome_of(name, folder, recipe=RECIPE, **more):
    predict = importlib.import_module(f"baselines.{name}").predict
    return segment.run(cell(folder, recipe, predict=predict, **more))


def scores_of(name, folder, recipe=RECIPE, **more):
    return segmentation.score(outcome_of(name, folder, recipe, **more).predictions, recipe, 0, 100)


@pytest.mark.parametrize("name", SENTINELS)
def test_the_registry_offers_it_for_segmentation(name):
    spec = registry.load_baseline(name)
    assert spec.kind == "sentinel" and "segment" in spec.protocols


@pytest.mark.parametrize("frame", ["mask", "input"])
def test_the_truth_is_perfect(tmp_path, frame):
    scores = scores_of("oracle", tmp_path, RECIPE.replaced({"frame": frame}), count=80)
    assert {metric.value for metric in scores.metrics.values()} == {1.0}
    assert all(metric.best == 1.0 for metric in scores.metrics.values())


@pytest.mark.parametrize("frame", ["mask", "input"])
def test_nothing_scores_the_share_of_empty_targets(tmp_path, frame):
    scores = scores_of("always_empty", tmp_path, RECIPE.replaced({"frame": frame}), count=80)
    share = scores.selection["empty_test_images"] / scores.selection["test_images"]
    assert 0.2 < share < 0.5
    values = {name: metric.value for name, metric in scores.metrics.items()}
    assert values["dice_empty_is_one"] == pytest.approx(share)
    assert values["dice_nonempty"] == values["iou_nonempty"] == 0
    assert values["empty_left_empty"] == 1


def test_everything_scores_by_the_size_of_the_targets(tmp_path):
    context = cell(tmp_path, count=80)
    scores = scores_of("always_full", tmp_path, count=80)
    expected = []
    for row in context.rows.test:
        true = context.manifest.masks[f"i{row}"].pixels().sum()
        if true:
            expected.append(2 * true / (FRAME**2 + true))
    assert scores.metrics["dice_nonempty"].value == pytest.approx(np.mean(expected))
    assert scores.metrics["empty_left_empty"].value == 0


def test_chance_stands_at_its_level(tmp_path):
    scores = scores_of("chance", tmp_path, count=80)
    errors = scores.selection["standard_error"]
    results = [
        SentinelResult(name, "chance", metric.value, metric.chance, errors[name], 3)
        for name, metric in scores.metrics.items()
        if metric.chance is not None
    ]
    assert {result.name for result in results} == {"dice_nonempty", "dice_empty_is_one"}
    assert examine_sentinels(results).holds


def test_chance_draws_what_masks_of_coin_tosses_would_count():
    """Counts against masks that are drawn pixel by pixel."""
    rng = np.random.default_rng(0)
    targets = [np.zeros((12, 12), dtype=bool), np.eye(12, dtype=bool), np.ones((12, 12), bool)]
    truth = MaskRuns.of(targets)
    sides = np.full(3, 12)
    context = {"height": sides, "width": sides, "runs": truth.runs, "offsets": truth.offsets}

    class Samples:
        protocol, ids, draws = "segment", np.arange(3), 4000

    arrays = importlib.import_module("baselines.chance").predict(Samples, context, rng)
    tossed = rng.random((4000, 12, 12)) < 0.5
    for row, target in enumerate(targets):
        for counts, expected in (
            (arrays["predicted_draws"][row], tossed.sum(axis=(1, 2))),
            (arrays["common_draws"][row], (tossed & target).sum(axis=(1, 2))),
        ):
            assert counts.mean() == pytest.approx(expected.mean(), abs=0.5)
            assert counts.std() == pytest.approx(expected.std(), rel=0.1, abs=1e-12)
    correlation = np.corrcoef(arrays["predicted_draws"][1], arrays["common_draws"][1])[0, 1]
    assert correlation == pytest.approx(np.sqrt(12 / 144), abs=0.05)
    assert (arrays["common_draws"] <= arrays["predicted_draws"]).all()


def test_a_sentinel_is_repeatable_and_knows_no_training(tmp_path):
    seen = []

    def predict(samples, truth, generator):
        seen.append((len(samples.ids), sorted(truth), len(samples.reference)))
        drawn = generator.integers(0, 5, (len(samples.ids), 2))
        return {"predicted_draws": drawn + 5, "common_draws": drawn}

    first = segment.run(cell(tmp_path, predict=predict)).predictions
    second = segment.run(cell(tmp_path, predict=predict)).predictions
    np.testing.assert_array_equal(first["common_draws"], second["common_draws"])
    assert seen[:2] == [(10, ["height", "offsets", "runs", "width"], 0), (14, seen[0][1], 0)]


@pytest.mark.parametrize(
    "answer",
    [{}, {"runs": np.zeros((0, 2)), "offsets": np.zeros(3)}, {"predicted_draws": np.ones((2, 2))}],
)
def test_an_answer_of_another_form_is_refused(tmp_path, answer):
    with pytest.raises(BadDataError, match="no masks"):
        segment.run(cell(tmp_path, predict=lambda *_: answer))


def test_the_input_frame_needs_a_size(tmp_path):
    recipe = RECIPE.replaced({"frame": "input", "image_size": 0})
    with pytest.raises(UsageError, match="image_size"):
        outcome_of("oracle", tmp_path, recipe)
    assert outcome_of("oracle", tmp_path, recipe.replaced({"frame": "mask"})).facts["images"] == 24
