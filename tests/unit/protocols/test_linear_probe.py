from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from fakes import SIDE, FakeRepresentation, make_context, make_manifest
from scipy.optimize import minimize
from sklearn.metrics import roc_auc_score

from benchmark.errors import UsageError
from benchmark.protocols import linear_probe
from benchmark.protocols.linear_head import Scale, Table
from benchmark.protocols.logistic_head import ABSENT_LOGIT, solve_head
from benchmark.protocols.selection import SelectionSet, selection_set
from benchmark.recipes import LinearProbeRecipe

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

RECIPE = LinearProbeRecipe(
    source="test",
    image_size=SIDE,
    batch_size=8,
    evaluation_batch=7,
    learning_rates={"100": 0.05, "1": 0.05},
    epochs={"100": 30, "1": 5},
    selection="full_validation",
    evaluations=3,
)
FULL = dataclasses.replace(RECIPE, solver="lbfgs", penalties=(0.1, 1.0), standardise=True)
RECIPES = pytest.mark.parametrize(
    "recipe", [RECIPE, dataclasses.replace(RECIPE, solver="sgd"), FULL], ids=lambda r: r.solver
)


def context_in(folder: Path, recipe: LinearProbeRecipe = RECIPE, **more: Any) -> Any:
    more.setdefault("label_percent", 100.0)
    return make_context(folder, recipe, "linear_probe", **more)


class Counting(FakeRepresentation):
    """Counts the images that are encoded."""

    encoded = 0

    def patch_features(self, images: Tensor, projected: bool) -> Tensor:
        assert not self.training
        self.encoded += len(images)
        return super().patch_features(images, projected)


@RECIPES
def test_learns_a_bright_class_and_stores_the_form(
    tmp_path: Path, recipe: LinearProbeRecipe
) -> None:
    context = context_in(tmp_path, recipe)
    outcome = linear_probe.run(context)
    stored = outcome.predictions
    assert list(stored["classes"]) == ["Edema", "Mass_Right"]
    assert list(stored["split"]) == ["validation"] * 10 + ["test"] * 20
    assert stored["scores"].shape == stored["truth"].shape == (30, 2)
    assert stored["scores"].dtype == np.float32
    assert all(array.dtype != object for array in stored.values())
    test = stored["split"] == "test"
    assert roc_auc_score(stored["truth"][test, 0], stored["scores"][test, 0]) > 0.95
    assert outcome.selection["rule"] == "full_validation"
    scores = selection_set(context).mean_auc(stored["scores"][:10])
    assert scores == pytest.approx(outcome.selection["auc"], abs=1e-6)


@RECIPES
def test_every_image_is_encoded_once_and_the_encoder_stays(
    tmp_path: Path, recipe: LinearProbeRecipe
) -> None:
    model = Counting().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    outcome = linear_probe.run(context_in(tmp_path, recipe, representation=model))
    assert model.encoded == 60 == outcome.facts["encoded_images"]
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_an_image_in_two_splits_is_encoded_once(tmp_path: Path) -> None:
    model = Counting()
    context = context_in(tmp_path, representation=model)
    rows = dataclasses.replace(context.rows, test=np.arange(10, 60))
    stored = linear_probe.run(dataclasses.replace(context, rows=rows)).predictions
    assert model.encoded == 60
    assert list(stored["ids"][10:13]) == ["i10", "i11", "i12"]


def test_is_repeatable_and_leaves_the_global_random_state(tmp_path: Path) -> None:
    state = torch.random.get_rng_state()
    first = linear_probe.run(context_in(tmp_path)).predictions["scores"]
    assert torch.equal(state, torch.random.get_rng_state())
    torch.rand(5)
    assert np.array_equal(first, linear_probe.run(context_in(tmp_path)).predictions["scores"])


def test_the_kind_of_feature_is_stored(tmp_path: Path) -> None:
    class WithPooled(FakeRepresentation):
        def pooled_features(self, images: Tensor) -> Tensor:
            return self.patch_features(images, projected=False)[:, 0, :3]

    for model, feature, expected, width in (
        (FakeRepresentation(), "pooled", "patch_mean", 8),
        (WithPooled(), "pooled", "pooled", 3),
        (WithPooled(), "patch_mean", "patch_mean", 8),
        (WithPooled(), "embedding", "embedding", 8),
    ):
        recipe = dataclasses.replace(RECIPE, feature=feature)
        facts = linear_probe.run(context_in(tmp_path, recipe, representation=model)).facts
        assert (facts["feature"], facts["feature_dim"]) == (expected, width)


def test_the_image_size_is_the_recipes_or_the_models(tmp_path: Path) -> None:
    for asked, used in ((32, 32), (0, SIDE)):
        recipe = dataclasses.replace(RECIPE, image_size=asked)
        assert linear_probe.run(context_in(tmp_path, recipe)).facts["image_size"] == used


def test_penalties_are_tried_and_stored(tmp_path: Path) -> None:
    recipe = dataclasses.replace(FULL, penalties=(1e6, 0.01, 1.0))
    outcome = linear_probe.run(context_in(tmp_path, recipe))
    tried = outcome.selection["candidates"]
    assert [entry["penalty"] for entry in tried] == [1e6, 0.01, 1.0]
    best = max(entry["auc"] for entry in tried)
    assert outcome.selection["auc"] == best
    assert outcome.facts["penalty"] == outcome.selection["penalty"]
    assert outcome.facts["converged"] is True


def test_rates_are_searched(tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPE, learning_rate_search={"100": (1e-9, 0.05)})
    outcome = linear_probe.run(context_in(tmp_path, recipe))
    single = linear_probe.run(context_in(tmp_path))
    assert len(outcome.selection["candidates"]) == 2
    if outcome.facts["learning_rate"] == 0.05:
        assert np.array_equal(outcome.predictions["scores"], single.predictions["scores"])


def test_fixed_recipe_takes_the_last_step_and_the_first_penalty(tmp_path: Path) -> None:
    fixed = dataclasses.replace(RECIPE, selection="fixed_recipe")
    outcome = linear_probe.run(context_in(tmp_path, fixed))
    assert outcome.selection == {"rule": "fixed_recipe", "images": 0, "step": 120, "auc": None}
    fixed = dataclasses.replace(FULL, selection="fixed_recipe")
    outcome = linear_probe.run(context_in(tmp_path, fixed))
    assert outcome.facts["penalty"] == 0.1
    assert outcome.selection["auc"] is None


def test_one_of_many_gives_probabilities_that_sum_to_one(tmp_path: Path) -> None:
    manifest = make_manifest()
    labels = manifest.labels.copy()
    labels["Mass_Right"] = 1 - labels["Edema"]
    manifest = dataclasses.replace(manifest, labels=labels)
    for recipe in (RECIPE, FULL):
        softmax = dataclasses.replace(recipe, target="one_of_many")
        stored = linear_probe.run(context_in(tmp_path, softmax, manifest=manifest)).predictions
        np.testing.assert_allclose(stored["scores"].sum(axis=1), 1, atol=1e-6)
        right = stored["scores"].argmax(axis=1) == stored["truth"].argmax(axis=1)
        assert right[stored["split"] == "test"].mean() > 0.9


def test_unknown_percent_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="10 %"):
        linear_probe.run(context_in(tmp_path, label_percent=10.0))


def test_sentinel_learns_from_training_alone(tmp_path: Path) -> None:
    def predict(samples: Any, truth: Any, generator: Any) -> Any:
        assert samples.protocol == "linear_probe"
        assert len(samples.reference["truth"]) == 30
        return {"scores": np.nan_to_num(truth, nan=0.5)}

    outcome = linear_probe.run(context_in(tmp_path, predict=predict))
    assert outcome.predictions["scores"].shape == (30, 2)


def test_scale_leaves_constant_features_alone() -> None:
    features = np.array([[1.0, 5.0, 0.0], [3.0, 5.0, 0.0]], dtype=np.float32)
    scaled = Scale.of(features, standardise=True)(features)
    np.testing.assert_allclose(scaled, [[-1, 0, 0], [1, 0, 0]])
    same = Scale.of(features, standardise=False)(features)
    np.testing.assert_array_equal(same, features)
    assert same.dtype == scaled.dtype == np.float32


def table_of(truth: np.ndarray, seed: int = 0) -> Table:
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(len(truth), 4)).astype(np.float32)
    nothing = SelectionSet(
        "fixed_recipe", "fixed_recipe", np.arange(0), truth[:0], np.ones(truth.shape[1], bool)
    )
    return Table(features, truth, features[:0], nothing)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("penalty", [0.3, 5.0])
def test_the_solver_minimises_the_stated_loss(penalty: float, weighted: bool) -> None:
    generator = np.random.default_rng(3)
    truth = (generator.random((80, 2)) < 0.3).astype(float)
    truth[::9, 0] = np.nan
    table = table_of(truth)
    recipe = dataclasses.replace(FULL, weighted_loss=weighted)
    head = solve_head(table, recipe, penalty)

    known = ~np.isnan(truth[:, 0])
    labels, features = truth[known, 0], table.features[known].astype(np.float64)
    positive = (labels == 0).sum() / (labels == 1).sum() if weighted else 1.0

    def objective(parameters: np.ndarray) -> float:
        logits = features @ parameters[:4] + parameters[4]
        terms = np.where(labels == 1, positive * np.logaddexp(0, -logits), np.logaddexp(0, logits))
        return float(terms.sum() + penalty * (parameters[:4] ** 2).sum() / 2)

    best = minimize(objective, np.zeros(5), method="BFGS", options={"gtol": 1e-6})
    np.testing.assert_allclose(head.weight[0], best.x[:4], atol=2e-3)
    np.testing.assert_allclose(head.bias[0], best.x[4], atol=2e-3)


def test_a_class_with_one_kind_of_label_gets_a_constant() -> None:
    truth = np.column_stack([np.zeros(20), np.full(20, np.nan), np.arange(20) % 2])
    head = solve_head(table_of(truth), FULL, 1.0)
    assert not head.weight[:2].any()
    assert head.bias[0] == pytest.approx(np.log(0.5 / 20.5), rel=1e-5)
    assert head.bias[1] == 0
    assert head.weight[2].any()


def test_one_of_many_agrees_between_two_and_three_classes() -> None:
    softmax = dataclasses.replace(FULL, target="one_of_many")
    labels = np.random.default_rng(5).integers(0, 2, 60)
    two = table_of(np.eye(2)[labels])
    three = dataclasses.replace(two, truth=np.eye(3)[labels])
    first, second = solve_head(two, softmax, 1.0), solve_head(three, softmax, 1.0)
    scores = first.scores(two.features, "one_of_many")
    padded = second.scores(two.features, "one_of_many")
    np.testing.assert_allclose(padded[:, :2], scores, atol=1e-5)
    assert padded[:, 2].max() < 1e-9
    assert second.bias[2] == ABSENT_LOGIT
    # The penalty of the two-class form is that of the sigmoid on the difference.
    sigmoid = solve_head(dataclasses.replace(two, truth=labels[:, None].astype(float)), FULL, 1.0)
    binary = sigmoid.scores(two.features, "multi_label")[:, 0]
    np.testing.assert_allclose(scores[:, 1], binary, atol=1e-4)
