"""Heads can learn what they are shown, and learn nothing from labels that say nothing."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest
from drawn import FINE_TUNE, PROBE, RESNET, VIT, cell, discs, high_or_low, textures
from sklearn.metrics import roc_auc_score

from benchmark.data.splits import SplitRows
from benchmark.protocols import fine_tune, linear_probe
from tests.encoders import encoder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmark.recipes import LabelledRecipe

MEMORISE = dataclasses.replace(
    FINE_TUNE, steps={"100": 120}, crop_scale=(1.0, 1.0), flip_probability=0.0
)
CASES = {
    "fine_tune ViT": (MEMORISE, VIT),
    "fine_tune ResNet": (MEMORISE, RESNET),
    "linear_probe ViT": (PROBE, VIT),
    "linear_probe ResNet": (PROBE, RESNET),
    "linear_probe L-BFGS": (dataclasses.replace(PROBE, solver="lbfgs", penalties=(1e-3,)), VIT),
}


def run(context: object) -> dict[str, np.ndarray]:
    recipe = context.recipe  # type: ignore[attr-defined]
    protocol = fine_tune if hasattr(recipe, "steps") else linear_probe
    return dict(protocol.run(context).predictions)  # type: ignore[arg-type]


@pytest.mark.full
@pytest.mark.parametrize("case", CASES)
def test_sixteen_images_are_learnt_by_heart(tmp_path: Path, case: str) -> None:
    recipe, name = CASES[case]
    generator = np.random.default_rng(4)
    # Random labels of random images, each class half of them: nothing but memory helps.
    labels = np.stack([generator.permutation(np.arange(16) % 2) for _ in range(2)], axis=1)
    rows = np.arange(16)
    split = SplitRows(rows, rows[:0], rows, "training images are scored")
    images = textures(16)
    stored = run(cell(tmp_path, recipe, encoder(name), images, labels.astype(float), split))
    assert list(stored["split"]) == ["test"] * 16
    for column in range(2):
        assert roc_auc_score(stored["truth"][:, column], stored["scores"][:, column]) >= 0.95


TRAIN, TEST, SHUFFLES = 128, 200, 6
TUNE = dataclasses.replace(FINE_TUNE, steps={"100": 80})
SOLVE = dataclasses.replace(PROBE, solver="lbfgs", penalties=(10.0,))


def two_class_auc(
    folder: Path,
    recipe: LabelledRecipe,
    name: str,
    draw: Callable[[np.ndarray], np.ndarray],
    shuffle: int | None = None,
) -> float:
    """AUC on the true labels of fresh images, after training on true or shuffled ones."""
    truth = np.arange(TRAIN + TEST) % 2
    labels = truth.astype(float)
    if shuffle is not None:
        # Exactly half of each true class is called positive. A free permutation would leave a
        # chance correlation, and two classes so easily told apart are then learnt, right or wrong.
        generator = np.random.default_rng(shuffle)
        for value in (0, 1):
            members = np.flatnonzero(truth[:TRAIN] == value)
            labels[generator.permutation(members)] = np.arange(len(members)) % 2
    rows = np.arange(TRAIN + TEST)
    split = SplitRows(rows[:TRAIN], rows[:0], rows[TRAIN:], "two classes")
    images = draw(truth.astype(bool))
    stored = run(cell(folder, recipe, encoder(name), images, labels[:, None], split))
    return float(roc_auc_score(truth[TRAIN:], stored["scores"][:, 0]))


@pytest.mark.full
@pytest.mark.parametrize("name", [VIT, RESNET])
def test_shuffled_labels_fall_to_chance_and_true_ones_do_not(tmp_path: Path, name: str) -> None:
    assert two_class_auc(tmp_path, TUNE, name, high_or_low) >= 0.8
    shuffled = [two_class_auc(tmp_path, TUNE, name, high_or_low, seed) for seed in range(SHUFFLES)]
    # One shuffle varies by about 0.05; with 100 against 100 images 0.04 of it is sampling.
    assert abs(np.mean(shuffled) - 0.5) < 0.12, shuffled
    assert max(shuffled) < 0.7, shuffled


def test_a_probe_of_shuffled_labels_falls_to_chance(tmp_path: Path) -> None:
    assert two_class_auc(tmp_path, SOLVE, VIT, discs) >= 0.8
    shuffled = [two_class_auc(tmp_path, SOLVE, VIT, discs, seed) for seed in range(SHUFFLES)]
    assert abs(np.mean(shuffled) - 0.5) < 0.15, shuffled
