"""Segmentation end to end on drawn discs: what is stored, chosen, resumed and learnt."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from drawn import RESNET, SIDE, VIT
from segmented import FRAME, RECIPE, cell

from benchmark.data.splits import SplitRows
from benchmark.errors import BadDataError, UsageError
from benchmark.metrics import segmentation
from benchmark.metrics.mask_runs import MaskRuns
from benchmark.protocols import segment
from benchmark.protocols.segment_predict import THRESHOLDS
from benchmark.training.loop import TrainingInterrupted

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def equal(first: Any, second: Any) -> None:
    assert set(first) == set(second)
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name], err_msg=name)


def test_stores_the_form_and_counts_that_fit_the_masks(tmp_path: Path) -> None:
    context = cell(tmp_path)
    outcome = segment.run(context)
    stored = outcome.predictions
    assert list(stored["split"]) == ["validation"] * 10 + ["test"] * 14
    assert stored["ids"][0] == "i16" and stored["patients"][0] == "hx:8"
    assert set(stored["height"]) == set(stored["width"]) == {FRAME}
    assert all(array.dtype != object for array in stored.values())
    truth = MaskRuns(stored["truth_runs"], stored["truth_offsets"])
    masks = context.manifest.masks
    for place, name in enumerate(stored["ids"]):
        np.testing.assert_array_equal(truth.mask(place, FRAME, FRAME), masks[name].pixels())
    found = MaskRuns(stored["prediction_runs"], stored["prediction_offsets"])
    assert len(THRESHOLDS) == 20 and 0.5 in THRESHOLDS
    at = THRESHOLDS.index(float(stored["threshold"][0]))
    np.testing.assert_array_equal(found.sizes(), stored["predicted_pixels"][:, at])
    np.testing.assert_array_equal(found.common(truth), stored["common_pixels"][:, at])
    # More is inside at a lower threshold.
    assert (np.diff(stored["predicted_pixels"], axis=1) <= 0).all()
    assert stored["predicted_pixels"].max() <= FRAME**2
    assert not list(tmp_path.iterdir()), "a finished cell leaves no checkpoint"


def test_the_chosen_checkpoint_and_threshold_are_those_that_predict(tmp_path: Path) -> None:
    outcome = segment.run(cell(tmp_path))
    selection, curve = outcome.selection, outcome.facts["evaluations"]
    assert [entry["step"] for entry in curve] == [2, 4, 6]
    best = max(curve, key=lambda entry: entry["score"])
    assert selection["step"] == best["step"] and selection["threshold"] == best["threshold"]
    assert (selection["rule"], selection["images"]) == ("full_validation", 10)
    scores = segmentation.score(outcome.predictions, RECIPE, 0, 0)
    sweep = {entry["threshold"]: entry for entry in scores.selection["threshold_sweep"]}
    on_validation = [entry["dice_nonempty_validation"] for entry in sweep.values()]
    assert sweep[selection["threshold"]]["dice_nonempty_validation"] == max(on_validation)
    assert selection["score"] == pytest.approx(max(on_validation), abs=1e-12)


def test_is_repeatable_and_leaves_the_global_random_state(tmp_path: Path) -> None:
    recipe = RECIPE.replaced({"rotation_degrees": 10.0, "scale": (0.9, 1.1), "drop_path": 0.2})
    state = torch.random.get_rng_state()
    first = segment.run(cell(tmp_path, recipe)).predictions
    assert torch.equal(state, torch.random.get_rng_state())
    torch.rand(5)
    equal(first, segment.run(cell(tmp_path, recipe)).predictions)


@pytest.mark.parametrize("stop", [1, 3, 4])
def test_an_interrupted_run_ends_as_an_undisturbed_one(tmp_path: Path, stop: int) -> None:
    recipe = RECIPE.replaced({"drop_path": 0.2})
    whole = segment.run(cell(tmp_path / "whole", recipe))
    folder = tmp_path / "cut"
    with pytest.raises(TrainingInterrupted):
        segment.run(cell(folder, recipe), should_stop=lambda step: step == stop)
    assert list(folder.iterdir())
    again = segment.run(cell(folder, recipe))
    equal(whole.predictions, again.predictions)
    assert whole.selection == again.selection
    assert whole.facts == again.facts
    assert not list(folder.iterdir())


def test_a_checkpoint_of_another_run_is_not_continued(tmp_path: Path) -> None:
    with pytest.raises(TrainingInterrupted):
        segment.run(cell(tmp_path), should_stop=lambda step: step == 4)
    other = cell(tmp_path)
    other = dataclasses.replace(other, cell=dataclasses.replace(other.cell, key="another"))
    equal(segment.run(other).predictions, segment.run(cell(tmp_path / "new")).predictions)


def test_seeds_enter_by_their_axes_and_the_baseline_does_not(tmp_path: Path) -> None:
    def predictions(**axes: int) -> Any:
        context = cell(tmp_path)
        seeds = dataclasses.replace(context.cell.seeds, **axes)
        return segment.run(
            dataclasses.replace(context, cell=dataclasses.replace(context.cell, seeds=seeds))
        ).predictions["predicted_pixels"]

    assert not np.array_equal(predictions(head=0), predictions(head=1))
    assert np.array_equal(predictions(pretrain=0), predictions(pretrain=1))


@pytest.mark.parametrize("baseline", [VIT, RESNET])
@pytest.mark.parametrize("decoder", ["upernet", "unet"])
@pytest.mark.parametrize("frozen", [False, True], ids=["trained", "frozen"])
def test_every_decoder_runs_on_every_encoder(
    tmp_path: Path, baseline: str, decoder: str, frozen: bool
) -> None:
    recipe = RECIPE.replaced({"decoder": decoder, "freeze_encoder": frozen})
    outcome = segment.run(cell(tmp_path, recipe, baseline=baseline))
    facts = outcome.facts
    whole = facts["trained_parameters"] - facts["encoder_parameters"] * (not frozen)
    assert whole > 0
    assert outcome.predictions["predicted_pixels"].any()


def test_a_frozen_encoder_keeps_weights_and_statistics(tmp_path: Path, monkeypatch: Any) -> None:
    seen = []
    train = segment.train_segmenter

    def watched(context: Any, model: Any, *rest: Any) -> Any:
        before = {key: value.clone() for key, value in model.trunk.state_dict().items()}
        result = train(context, model, *rest)
        seen.append((before, model.trunk.state_dict()))
        return result

    monkeypatch.setattr(segment, "train_segmenter", watched)
    for frozen in (True, False):
        recipe = RECIPE.replaced({"freeze_encoder": frozen, "decoder": "unet", "drop_path": 0.3})
        segment.run(cell(tmp_path, recipe, baseline=RESNET))
        before, after = seen.pop()
        same = [torch.equal(before[key], after[key]) for key in before]
        assert all(same) == frozen


def test_the_model_that_was_given_stays_as_it_is(tmp_path: Path) -> None:
    context = cell(tmp_path)
    model = context.representation()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    segment.run(context)
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def test_masks_are_compared_in_the_input_square_where_the_recipe_says_so(tmp_path: Path) -> None:
    stored = segment.run(cell(tmp_path, RECIPE.replaced({"frame": "input"}))).predictions
    assert set(stored["height"]) == set(stored["width"]) == {SIDE}
    assert stored["truth_runs"].sum(axis=1).max() <= SIDE**2
    whole = segment.run(cell(tmp_path)).predictions
    sizes = [MaskRuns(one["truth_runs"], one["truth_offsets"]).sizes() for one in (stored, whole)]
    np.testing.assert_allclose(sizes[0] * (FRAME / SIDE) ** 2, sizes[1], rtol=0.15)


def test_nothing_chooses_under_a_fixed_recipe(tmp_path: Path) -> None:
    outcome = segment.run(cell(tmp_path, RECIPE.replaced({"selection": "fixed_recipe"})))
    assert outcome.selection == {
        "rule": "fixed_recipe",
        "images": 0,
        "threshold_chosen_by": "fixed at 0.5",
        "step": 6,
        "score": None,
        "threshold": 0.5,
    }
    assert outcome.facts["evaluations"] == []


def test_batches_are_full_even_of_one_image(tmp_path: Path) -> None:
    every = np.arange(40)
    rows = SplitRows(every[1:2], every[16:26], every[26:], "one")
    outcome = segment.run(cell(tmp_path, rows=rows))
    assert outcome.facts["trained_images"] == 1
    assert outcome.facts["samples_per_step"] == 4


def test_as_many_empty_images_as_others(tmp_path: Path) -> None:
    every = np.arange(90)
    # 8 with a disc (rows 0, 1 of three), 30 without.
    empty = every[every % 3 == 0]
    rows = SplitRows(np.sort(np.r_[empty, 1, 2, 4, 5, 7, 8, 10, 11]), every[60:75], every[75:], "x")
    outcome = segment.run(
        cell(tmp_path, RECIPE.replaced({"empty_images": "balanced"}), count=90, rows=rows)
    )
    assert outcome.facts["train_images"] == 38
    assert outcome.facts["trained_images"] == 16
    assert outcome.facts["trained_nonempty_images"] == 8


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"batch_size": 1}, "batch"),
        ({"learning_rate_search": {"100": (1e-3, 1e-4)}}, "learning rate"),
        ({"taps": (6, 12)}, "taps"),
        ({"decoder": "unet", "unet_channels": (8, 4)}, "unet_channels"),
        ({"steps": {"1": 5}}, "steps"),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path: Path, change: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        segment.run(cell(tmp_path, RECIPE.replaced(change)))


def test_an_unknown_mask_is_an_error_that_names_the_image(tmp_path: Path) -> None:
    context = cell(tmp_path)
    masks = {name: mask for name, mask in context.manifest.masks.items() if name != "i30"}
    manifest = dataclasses.replace(context.manifest, masks=masks)
    with pytest.raises(BadDataError, match="i30"):
        segment.run(dataclasses.replace(context, manifest=manifest))


def test_a_task_of_two_classes_is_refused(tmp_path: Path) -> None:
    context = cell(tmp_path)
    task = dataclasses.replace(context.task, classes=("Disc", "Edema"))
    with pytest.raises(UsageError, match="2 classes"):
        segment.run(dataclasses.replace(context, task=task))


@pytest.mark.full
@pytest.mark.parametrize(
    ("baseline", "decoder"), [(VIT, "upernet"), (VIT, "unet"), (RESNET, "unet")]
)
def test_sixteen_images_are_learnt_by_heart(tmp_path: Path, baseline: str, decoder: str) -> None:
    every = np.arange(40)
    sixteen = every[every % 3 > 0][:16]
    recipe = RECIPE.replaced(
        {
            "decoder": decoder,
            "batch_size": 16,
            "learning_rates": {"100": 5e-3},
            "steps": {"100": 300},
            "warmup_steps": {"100": 10},
            "upernet_channels": 32,
            "unet_channels": (32, 32, 16, 16, 16),
            "layer_decay": 1.0,
            "weight_decay": 0.0,
            "dropout": 0.0,
            "flip_probability": 0.0,
            "evaluations": 1,
            "frame": "input",
        }
    )
    rows = SplitRows(sixteen, sixteen, sixteen, "the same images")
    outcome = segment.run(cell(tmp_path, recipe, baseline=baseline, rows=rows))
    dice = segmentation.score(outcome.predictions, recipe, 0, 0).metrics["dice_nonempty"]
    assert dice.n == 16
    assert dice.value is not None and dice.value > 0.95
