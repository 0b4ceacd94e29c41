"""The fingerprint of a loaded model tells computations apart that one file cannot."""

from __future__ import annotations

import math
from types import SimpleNamespace

import torch

from benchmark.model_fingerprint import TEXT, forward_fingerprint


def model(factor=1.0, activation=torch.relu):
    def patch_features(images, projected):
        assert not projected
        cells = torch.nn.functional.avg_pool2d(images, 4).flatten(2).transpose(1, 2)
        return activation(cells * torch.tensor([1.0, -2.0, factor]))

    def text_embedding(texts):
        assert texts == [TEXT]
        return torch.tensor([[3.0, 4.0]])

    return SimpleNamespace(
        image_size=16, patch_features=patch_features, text_embedding=text_embedding
    )


def test_length_and_first_values_by_loops():
    found = forward_fingerprint(model(), "cpu", reads_texts=True)
    sums = [0.0, 0.0, 0.0]
    for row in range(4):
        for column in range(4):
            cell = 0.0
            for y in range(4 * row, 4 * row + 4):
                for x in range(4 * column, 4 * column + 4):
                    cell += math.sin(9 * y / 16) + math.cos(23 * (x / 16) ** 2)
            for index, weight in enumerate((1.0, -2.0, 1.0)):
                sums[index] += max(0.0, weight * cell / 16) / 16
    assert found["text"] == {"length": 5.0, "first": [3.0, 4.0]}
    for value, expected in zip(found["image"]["first"], sums, strict=True):
        assert math.isclose(value, expected, rel_tol=2e-4)
    length = math.sqrt(sum(value**2 for value in sums))
    assert math.isclose(found["image"]["length"], length, rel_tol=2e-4)


def test_another_activation_or_weight_is_another_fingerprint():
    first = forward_fingerprint(model(), "cpu", reads_texts=False)
    assert first == forward_fingerprint(model(), "cpu", reads_texts=False)
    assert "text" not in first
    for other in (model(1.001), model(activation=torch.nn.functional.gelu)):
        assert forward_fingerprint(other, "cpu", reads_texts=False) != first
