from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from fakes import make_context, make_manifest
from sklearn.metrics import roc_auc_score

from benchmark.errors import BadDataError, UsageError
from benchmark.protocols import fine_tune
from benchmark.protocols.classifier import masked_loss, positive_weights
from benchmark.protocols.selection import selection_set
from benchmark.recipes import FineTuneRecipe

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = FineTuneRecipe(
    source="test",
    batch_size=8,
    learning_rates={"100": 0.5, "1": 0.5},
    steps={"100": 30, "1": 5},
    warmup_steps={"100": 3, "1": 1},
    selection="full_validation",
    evaluations=3,
    crop_scale=(0.5, 1.0),
)


def context_in(folder: Path, recipe: FineTuneRecipe = RECIPE, **more: Any) -> Any:
    more.setdefault("label_percent", 100.0)
    return make_context(folder, recipe, "fine_tune", **more)


def test_learns_a_bright_class_and_stores_the_form(tmp_path: Path) -> None:
    outcome = fine_tune.run(context_in(tmp_path))
    stored = outcome.predictions
    assert list(stored["classes"]) == ["Edema", "Mass_Right"]
    assert list(stored["split"]) == ["validation"] * 10 + ["test"] * 20
    assert stored["ids"][0] == "i30"
    assert stored["patients"][0] == "hx:15"
    assert stored["scores"].shape == stored["truth"].shape == (30, 2)
    assert all(array.dtype != object for array in stored.values())
    # Uncertain and unmentioned labels are both unknown.
    assert set(np.unique(stored["truth"][~np.isnan(stored["truth"])])) == {0.0, 1.0}
    test = stored["split"] == "test"
    assert roc_auc_score(stored["truth"][test, 0], stored["scores"][test, 0]) > 0.9
    assert [entry["step"] for entry in outcome.facts["evaluations"]] == [10, 20, 30]
    best = max(outcome.facts["evaluations"], key=lambda entry: entry["auc"])
    assert outcome.selection["rule"] == "full_validation"
    assert outcome.selection["step"] == best["step"]


def test_is_repeatable_and_leaves_the_global_random_state(tmp_path: Path) -> None:
    state = torch.random.get_rng_state()
    first = fine_tune.run(context_in(tmp_path)).predictions["scores"]
    torch.rand(5)
    second = fine_tune.run(context_in(tmp_path)).predictions["scores"]
    assert np.array_equal(first, second)
    torch.random.set_rng_state(state)
    fine_tune.run(context_in(tmp_path))
    assert torch.equal(state, torch.random.get_rng_state())


def test_the_chosen_checkpoint_is_the_one_that_predicts(tmp_path: Path) -> None:
    context = context_in(tmp_path)
    outcome = fine_tune.run(context)
    chosen_by = selection_set(context)
    scores = outcome.predictions["scores"][:10]
    assert chosen_by.mean_auc(scores) == pytest.approx(outcome.selection["auc"], abs=1e-12)


def test_matched_fraction_looks_at_few_validation_images(tmp_path: Path) -> None:
    manifest = make_manifest(600)
    rows = np.arange(600)
    recipe = dataclasses.replace(RECIPE, selection="matched_fraction")
    context = context_in(tmp_path, recipe, manifest=manifest, label_percent=10.0)
    split = dataclasses.replace(context.rows, train=rows[:100], validation=rows[100:400])
    chosen = selection_set(dataclasses.replace(context, rows=split))
    assert chosen.rule == "matched_fraction"
    assert 28 <= len(chosen.rows) <= 34
    assert set(chosen.rows) <= set(split.validation)


def test_matched_fraction_falls_back_and_says_so(tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPE, selection="matched_fraction")
    outcome = fine_tune.run(context_in(tmp_path, recipe, label_percent=1.0))
    assert outcome.selection["rule"] == "fixed_recipe"
    assert outcome.selection["asked"] == "matched_fraction"
    assert "positives" in outcome.selection["why"]
    assert outcome.selection["step"] == 5
    assert outcome.facts["evaluations"] == []


def test_fixed_recipe_takes_the_last_step(tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPE, selection="fixed_recipe")
    outcome = fine_tune.run(context_in(tmp_path, recipe))
    assert outcome.selection == {"rule": "fixed_recipe", "images": 0, "step": 30, "auc": None}


def test_labels_of_a_published_list_take_precedence(tmp_path: Path) -> None:
    context = context_in(tmp_path)
    labels = 1 - context.manifest.labels[["Edema"]]
    labels["Mass_Right"] = 0.0
    rows = dataclasses.replace(context.rows, labels=labels)
    stored = fine_tune.run(dataclasses.replace(context, rows=rows)).predictions
    assert np.array_equal(stored["truth"][:, 0], labels["Edema"].to_numpy()[30:])


def test_unknown_percent_and_class_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="10 %"):
        fine_tune.run(context_in(tmp_path, label_percent=10.0))
    context = context_in(tmp_path)
    task = dataclasses.replace(context.task, classes=("Hernia",))
    with pytest.raises(BadDataError, match="Hernia"):
        fine_tune.run(dataclasses.replace(context, task=task))


def test_masked_loss_ignores_unknown_labels() -> None:
    logits = torch.tensor([[0.0, 50.0], [2.0, -1.0]], requires_grad=True)
    truth = torch.tensor([[1.0, float("nan")], [0.0, 1.0]])
    loss = masked_loss(logits, truth)
    terms = [np.log(2), np.log1p(np.exp(2.0)), np.log1p(np.exp(1.0))]
    assert loss.item() == pytest.approx(np.mean(terms), rel=1e-6)
    loss.backward()
    assert logits.grad is not None
    assert logits.grad[0, 1] == 0
    assert masked_loss(logits, torch.full((2, 2), torch.nan)).item() == 0


def test_positive_weights_are_the_inverse_odds() -> None:
    truth = np.array([[1, 0], [0, 0], [0, np.nan], [np.nan, 0]])
    assert np.allclose(positive_weights(truth), [2.0, 1.0])


def test_sentinel_learns_from_training_alone(tmp_path: Path) -> None:
    seen = []

    def predict(samples: Any, truth: Any, generator: Any) -> Any:
        seen.append(samples)
        assert samples.draws == 3
        return {"scores": np.nan_to_num(truth, nan=0.5)}

    context = context_in(tmp_path, predict=predict)
    outcome = fine_tune.run(context)
    assert [len(samples.ids) for samples in seen] == [10, 20]
    assert all(len(samples.reference["truth"]) == 30 for samples in seen)
    assert seen[0].metadata["sex"].shape == (10,)
    assert np.array_equal(
        outcome.predictions["scores"], np.nan_to_num(outcome.predictions["truth"], nan=0.5)
    )


def test_draws_of_a_random_sentinel_are_kept(tmp_path: Path) -> None:
    def predict(samples: Any, truth: Any, generator: Any) -> Any:
        return {"scores_draws": generator.integers(0, 9, (*truth.shape, 4))}

    first = fine_tune.run(context_in(tmp_path, predict=predict)).predictions
    second = fine_tune.run(context_in(tmp_path, predict=predict)).predictions
    assert first["scores_draws"].shape == (30, 2, 4)
    assert np.array_equal(first["scores_draws"], second["scores_draws"])
    assert "scores" not in first


def test_a_sentinel_of_the_wrong_shape_is_refused(tmp_path: Path) -> None:
    context = context_in(tmp_path, predict=lambda *_: {"scores": np.zeros((3, 2))})
    with pytest.raises(BadDataError, match="shape"):
        fine_tune.run(context)
