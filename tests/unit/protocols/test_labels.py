"""What -1 and an empty label stand for, in training and in the truth."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from fakes import make_context, make_manifest

from benchmark.errors import UsageError
from benchmark.protocols.classification import sentinel_outcome, training_truth, truth_of
from benchmark.recipes import FineTuneRecipe, LinearProbeRecipe, ZeroShotRecipe

if TYPE_CHECKING:
    from pathlib import Path

    from benchmark.recipes import Recipe

NAN = np.nan
ROWS = np.arange(4)


def context_in(folder: Path, recipe: Recipe, **more: Any) -> Any:
    manifest = make_manifest()
    labels = manifest.labels.copy()
    labels.loc[:3, "Edema"] = [1, 0, -1, NAN]
    labels.loc[:3, "Mass_Right"] = [-1, NAN, 1, 0]
    manifest = dataclasses.replace(manifest, labels=labels)
    return make_context(folder, recipe, "fine_tune", manifest=manifest, **more)


@pytest.mark.parametrize(
    ("fields", "edema", "mass"),
    [
        ({}, [1, 0, NAN, NAN], [NAN, NAN, 1, 0]),
        ({"uncertain_labels": "positive"}, [1, 0, 1, NAN], [1, NAN, 1, 0]),
        ({"uncertain_labels": "negative"}, [1, 0, 0, NAN], [0, NAN, 1, 0]),
        ({"unmentioned_labels": "negative"}, [1, 0, NAN, 0], [NAN, 0, 1, 0]),
        (
            {"uncertain_labels": "positive", "uncertain_by_class": {"Edema": "negative"}},
            [1, 0, 0, NAN],
            [1, NAN, 1, 0],
        ),
        (
            {"unmentioned_labels": "negative", "uncertain_by_class": {"Edema": "positive"}},
            [1, 0, 1, 0],
            [NAN, 0, 1, 0],
        ),
    ],
)
def test_training_labels_follow_the_rules(
    tmp_path: Path, fields: dict[str, Any], edema: list[float], mass: list[float]
) -> None:
    expected = np.array([edema, mass], dtype=float).T
    for kind in (FineTuneRecipe, LinearProbeRecipe):
        recipe = kind(source="test", **fields)
        context = context_in(tmp_path, recipe)
        np.testing.assert_array_equal(training_truth(context, ROWS), expected)
        known = [[1, NAN], [0, NAN], [NAN, 1], [NAN, 0]]
        np.testing.assert_array_equal(truth_of(context, ROWS), np.array(known))
        same = dataclasses.replace(recipe, truth_labels="as_training")
        context = context_in(tmp_path, same)
        np.testing.assert_array_equal(truth_of(context, ROWS), expected)


def test_other_protocols_know_zeros_and_ones_alone(tmp_path: Path) -> None:
    context = context_in(tmp_path, ZeroShotRecipe(source="test"))
    np.testing.assert_array_equal(truth_of(context, ROWS), training_truth(context, ROWS))


def test_the_manifest_is_left_as_it_is(tmp_path: Path) -> None:
    recipe = FineTuneRecipe(
        source="test", uncertain_labels="positive", unmentioned_labels="negative"
    )
    context = context_in(tmp_path, recipe)
    before = context.manifest.labels.copy()
    training_truth(context, ROWS)
    pd.testing.assert_frame_equal(context.manifest.labels, before)


def test_a_rule_for_an_unknown_class_gets_a_near_name(tmp_path: Path) -> None:
    recipe = FineTuneRecipe(source="test", uncertain_by_class={"Edemas": "positive"})
    with pytest.raises(UsageError, match="Edema"):
        training_truth(context_in(tmp_path, recipe), ROWS)


def test_sentinels_learn_from_the_labels_that_training_has(tmp_path: Path) -> None:
    seen = []

    def predict(samples: Any, truth: Any, generator: Any) -> Any:
        seen.append(samples.reference["truth"])
        return {"scores": np.zeros(truth.shape)}

    recipe = FineTuneRecipe(source="test", uncertain_labels="positive")
    context = context_in(tmp_path, recipe, predict=predict)
    sentinel_outcome(context)
    np.testing.assert_array_equal(seen[0], training_truth(context, context.rows.train))
    assert seen[0][2, 0] == 1
