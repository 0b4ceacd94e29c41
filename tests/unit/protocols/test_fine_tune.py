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
from benchmark.protocols.selection import selection_set
from benchmark.recipes import FineTuneRecipe

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = FineTuneRecipe(
    source="test",
    image_size=16,
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


def test_the_learning_rate_is_searched_on_the_selection_set(tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPE, learning_rate_search={"100": (1e-9, 0.5, 1e12)})
    outcome = fine_tune.run(context_in(tmp_path, recipe))
    tried = outcome.selection["candidates"]
    assert [entry["learning_rate"] for entry in tried] == [1e-9, 0.5, 1e12]
    scored = [entry for entry in tried if entry["auc"] is not None]
    best = max(scored, key=lambda entry: entry["auc"])
    assert outcome.selection["auc"] == best["auc"]
    assert outcome.selection["learning_rate"] == best["learning_rate"]
    assert outcome.facts["learning_rate"] == best["learning_rate"]
    # Each candidate starts from the same weights and sees the same batches.
    chosen = dataclasses.replace(RECIPE, learning_rates={"100": best["learning_rate"]})
    alone = fine_tune.run(context_in(tmp_path, chosen))
    assert np.array_equal(alone.predictions["scores"], outcome.predictions["scores"])
    assert "candidates" not in alone.selection


def test_a_search_without_a_selection_set_takes_the_stated_rate(tmp_path: Path) -> None:
    search = {"learning_rate_search": {"100": (0.1, 0.2)}, "selection": "fixed_recipe"}
    outcome = fine_tune.run(context_in(tmp_path, dataclasses.replace(RECIPE, **search)))
    assert outcome.facts["learning_rate"] == 0.5
    assert outcome.selection["candidates"] == [{"learning_rate": 0.5, "auc": None, "step": 30}]
    assert "fixed_recipe" in outcome.selection["why_no_search"]


def test_one_of_many_gives_probabilities_that_sum_to_one(tmp_path: Path) -> None:
    manifest = make_manifest()
    labels = manifest.labels.copy()
    labels["Mass_Right"] = 1 - labels["Edema"]
    manifest = dataclasses.replace(manifest, labels=labels)
    recipe = dataclasses.replace(RECIPE, target="one_of_many")
    stored = fine_tune.run(context_in(tmp_path, recipe, manifest=manifest)).predictions
    np.testing.assert_allclose(stored["scores"].sum(axis=1), 1, atol=1e-6)
    right = stored["scores"].argmax(axis=1) == stored["truth"].argmax(axis=1)
    assert right[stored["split"] == "test"].mean() > 0.85


def test_uncertain_labels_take_part_where_the_recipe_says_so(tmp_path: Path) -> None:
    manifest = make_manifest()
    labels = manifest.labels.copy()
    # The bright class is stated by -1 alone: only a rule makes it learnable.
    labels["Edema"] = np.where(labels["Edema"] == 1, -1.0, 0.0)
    context = context_in(tmp_path, manifest=dataclasses.replace(manifest, labels=labels))
    store = make_context(tmp_path, RECIPE, "fine_tune").store
    context = dataclasses.replace(context, store=store)
    recipe = dataclasses.replace(RECIPE, uncertain_labels="positive", truth_labels="as_training")
    stored = fine_tune.run(dataclasses.replace(context, recipe=recipe)).predictions
    test = stored["split"] == "test"
    assert roc_auc_score(stored["truth"][test, 0], stored["scores"][test, 0]) > 0.9


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
