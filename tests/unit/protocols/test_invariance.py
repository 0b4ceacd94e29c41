"""Predictions do not move with loader threads, evaluation batch or the order of evaluation."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from drawn import FINE_TUNE, PROBE, RESNET, VIT, cell, discs

from benchmark.data.splits import SplitRows
from benchmark.protocols import fine_tune, linear_probe
from tests.encoders import encoder

if TYPE_CHECKING:
    from pathlib import Path

    from benchmark.recipes import LabelledRecipe

TOLERANCE = 1e-5
COUNT = 90
TUNE = dataclasses.replace(
    FINE_TUNE,
    steps={"100": 12},
    warmup_steps={"100": 2},
    selection="full_validation",
    evaluations=3,
    evaluation_batch=64,
)
CHECKED = dataclasses.replace(
    PROBE, epochs={"100": 20}, selection="full_validation", evaluations=4, evaluation_batch=64
)
CASES = {
    "fine_tune ViT": (fine_tune, TUNE, VIT),
    "fine_tune ResNet": (fine_tune, TUNE, RESNET),
    "linear_probe ViT": (linear_probe, CHECKED, VIT),
    "linear_probe ResNet": (linear_probe, CHECKED, RESNET),
    "linear_probe L-BFGS": (
        linear_probe,
        dataclasses.replace(CHECKED, solver="lbfgs", penalties=(1.0, 10.0)),
        VIT,
    ),
}


def scores_by_id(
    folder: Path, protocol: Any, recipe: LabelledRecipe, name: str, order: int = 0, **more: Any
) -> dict[str, np.ndarray]:
    positive = np.arange(COUNT) % 3 == 0
    labels = np.stack([positive, np.arange(COUNT) % 2 == 0], axis=1).astype(float)
    rows = np.arange(COUNT)
    validation, test = rows[30:50], rows[50:]
    if order:
        generator = np.random.default_rng(order)
        validation, test = generator.permutation(validation), generator.permutation(test)
    split = SplitRows(rows[:30], validation, test, "drawn")
    context = cell(folder, recipe, encoder(name), discs(positive), labels, split, **more)
    stored = protocol.run(context).predictions
    assert len(stored["ids"]) == len(set(stored["ids"])) == 60
    return dict(zip(stored["ids"].tolist(), stored["scores"], strict=True))


@pytest.mark.parametrize("case", CASES)
def test_predictions_do_not_move(tmp_path: Path, case: str) -> None:
    protocol, recipe, name = CASES[case]
    base = scores_by_id(tmp_path, protocol, recipe, name)
    spread = np.std(list(base.values()))
    assert spread > 100 * TOLERANCE, "scores that are all equal would prove nothing"
    variants: dict[str, dict[str, Any]] = {
        "one thread": {"recipe": recipe, "threads": 1},
        "five threads": {"recipe": recipe, "threads": 5},
        "batch of 1": {"recipe": dataclasses.replace(recipe, evaluation_batch=1)},
        "batch of 7": {"recipe": dataclasses.replace(recipe, evaluation_batch=7)},
        "order": {"recipe": recipe, "order": 5},
    }
    for what, changes in variants.items():
        moved = scores_by_id(tmp_path, protocol, name=name, **changes)
        assert set(moved) == set(base)
        for image, scores in base.items():
            np.testing.assert_allclose(moved[image], scores, atol=TOLERANCE, rtol=0, err_msg=what)
