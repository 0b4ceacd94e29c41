"""Med-UniC's text regulariser against loops in plain numpy."""

import numpy as np
import pytest
import torch

from baselines.objectives.decorrelation import (
    distance_from_identity,
    feature_alignment,
    instance_alignment,
    text_alignment,
)


@pytest.fixture(params=[(2, 5), (6, 4)])
def readings(request):
    draw = np.random.default_rng(8)
    return [draw.standard_normal(request.param).astype("float32") for _ in range(2)]


def loop_distance(matrix):
    total = 0.0
    for i, row in enumerate(matrix):
        for j, value in enumerate(row):
            total += (value - 1) ** 2 if i == j else 0.0051 * value**2
    return total


def loop_features(first, second):
    count, width = first.shape
    matrix = [
        [sum(first[b, i] * second[b, j] for b in range(count)) / count for j in range(width)]
        for i in range(width)
    ]
    return loop_distance(matrix) / 2 / width / 2


def loop_instances(first, second):
    count = len(first)
    matrix = [[float(np.dot(a, b)) / count for b in second] for a in first]
    return loop_distance(matrix) / 2 / count / 100


def test_forms(readings):
    features, instances = loop_features(*readings), loop_instances(*readings)
    first, second = (torch.from_numpy(part) for part in readings)
    assert float(feature_alignment(first, second)) == pytest.approx(features, rel=1e-4)
    assert float(instance_alignment(first, second)) == pytest.approx(instances, rel=1e-4)
    expected = {"features": features, "instances": instances, "both": features + instances}
    for form, value in expected.items():
        assert float(text_alignment(first, second, form)) == pytest.approx(value, rel=1e-4)


def test_nothing_is_lost_by_perfect_readings():
    assert float(distance_from_identity(torch.eye(4))) == 0
    columns = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    assert float(feature_alignment(columns, columns)) == pytest.approx(0, abs=1e-9)
    assert float(feature_alignment(columns, columns.flip(1))) > 0.1


def test_the_inputs_stay_as_they_were(readings):
    first, second = (torch.from_numpy(part.copy()).requires_grad_() for part in readings)
    text_alignment(first, second).backward()
    assert np.array_equal(first.detach().numpy(), readings[0])
    assert first.grad.abs().sum() > 0
    assert second.grad.abs().sum() > 0
