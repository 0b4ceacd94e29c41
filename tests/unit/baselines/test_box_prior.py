"""The box prior: a greedy cover of the training boxes, the same in every image."""

from __future__ import annotations

import numpy as np
import pytest

from baselines.box_prior import BASELINE, BOXES_A_CLASS, predict
from benchmark.errors import NotApplicable
from benchmark.interfaces import SentinelSamples


def samples(boxes: np.ndarray, classes: np.ndarray, images: int = 3) -> SentinelSamples:
    reference = {"boxes": boxes, "box_class": classes, "box_image": np.zeros(len(boxes), int)}
    names = np.array([f"class {label}" for label in range(int(classes.max(initial=0)) + 1)])
    return SentinelSamples("detect", np.arange(images).astype(str), names, reference=reference)


def near(box: list[float], count: int, seed: int) -> np.ndarray:
    """Boxes that overlap the first by far more than half, the first among them."""
    generator = np.random.default_rng(seed)
    moved = np.array(box) + generator.uniform(-0.01, 0.01, (count, 4))
    return np.concatenate([[box], moved])


def test_the_largest_groups_come_first() -> None:
    left, right = near([0.1, 0.3, 0.3, 0.4], 11, 0), near([0.6, 0.3, 0.3, 0.4], 5, 1)
    odd = np.array([[0.45, 0.8, 0.1, 0.1]])
    boxes = np.concatenate([odd, right, left])
    answer = predict(samples(boxes, np.zeros(len(boxes), int)), None, np.random.default_rng(0))
    assert len(answer["boxes"]) == 3 * 3
    first = answer["boxes"][:3]
    np.testing.assert_allclose(first[0], [0.1, 0.3, 0.3, 0.4], atol=0.03)
    np.testing.assert_allclose(first[1], [0.6, 0.3, 0.3, 0.4], atol=0.03)
    np.testing.assert_allclose(first[2], odd[0])
    np.testing.assert_allclose(answer["box_scores"][:3], [1, 6 / 12, 1 / 12])
    # Every image alike, each box one that training holds.
    np.testing.assert_array_equal(answer["boxes"], np.tile(first, (3, 1)))
    assert answer["box_image"].tolist() == [0] * 3 + [1] * 3 + [2] * 3
    assert all((boxes == box).all(axis=1).any() for box in first)


def test_classes_stand_apart_and_are_limited() -> None:
    generator = np.random.default_rng(3)
    scattered = np.concatenate(
        [generator.uniform(0, 0.9, (300, 2)), np.full((300, 2), 0.05)], axis=1
    )
    boxes = np.concatenate([scattered, near([0.1, 0.1, 0.5, 0.5], 4, 0)])
    classes = np.repeat([0, 1], [300, 5])
    answer = predict(samples(boxes, classes, images=1), None, generator)
    assert answer["box_class"].tolist() == [0] * BOXES_A_CLASS + [1]
    assert answer["box_scores"][BOXES_A_CLASS] == 1.0


def test_many_training_boxes_are_drawn_from_by_the_generator_alone() -> None:
    boxes = np.random.default_rng(0).uniform(0.05, 0.4, (2500, 4))
    first, second = (
        predict(samples(boxes, np.zeros(2500, int)), None, np.random.default_rng(7))
        for _ in range(2)
    )
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_without_training_boxes_it_does_not_apply() -> None:
    with pytest.raises(NotApplicable, match="none"):
        predict(samples(np.empty((0, 4)), np.empty(0, int)), None, np.random.default_rng(0))
    assert BASELINE.protocols == ("detect",)
