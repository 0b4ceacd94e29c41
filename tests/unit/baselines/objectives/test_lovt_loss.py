"""LoVT's local losses against loops."""

import math

import numpy as np
import pytest
import torch

from baselines.objectives.lovt import local_losses, region_targets, sentence_targets


def slow_targets(rows, columns, threshold, rate):
    places = [(r, c) for r in range(rows) for c in range(columns)]
    diagonal = math.sqrt(rows**2 + columns**2)
    weights = np.zeros((len(places), len(places)))
    for i, (r, c) in enumerate(places):
        for j, (s, d) in enumerate(places):
            distance = math.sqrt((r - s) ** 2 + (c - d) ** 2) / diagonal
            weights[i, j] = math.exp(-rate * distance) if distance <= threshold else 0
    return weights / weights.sum(axis=1, keepdims=True)


def slow_direction(first, second, targets, present, weights, temperature):
    total = 0.0
    for sample in range(len(first)):
        real = [n for n in range(len(present[sample])) if present[sample, n]]
        importance = sum(weights[sample, n] for n in real)
        for i in real:
            scores = {}
            for j in real:
                a, b = first[sample, i], second[sample, j]
                scores[j] = a @ b / np.linalg.norm(a) / np.linalg.norm(b) / temperature
            share = sum(targets[i, j] for j in real)
            loss = math.log(sum(math.exp(score) for score in scores.values()))
            loss -= sum(targets[i, j] / share * scores[j] for j in real)
            total += weights[sample, i] / importance * loss
    return total / len(first)


@pytest.mark.parametrize(("rows", "columns"), [(3, 4), (7, 7), (1, 1)])
@pytest.mark.parametrize("rate", [1.0, 0.0])
def test_region_targets_equal_loops(rows, columns, rate):
    ours = region_targets(rows, columns, 0.5, rate)
    assert np.allclose(ours, slow_targets(rows, columns, 0.5, rate), atol=1e-6)
    if rows == 7:
        assert (ours == 0).any(), "distant regions are no positives"
        assert ours[0, 0] >= ours[0].max()


@pytest.mark.parametrize("kind", ["regions", "sentences"])
@pytest.mark.parametrize("count", [1, 2, 4])
def test_local_losses_equal_loops(kind, count):
    generator = np.random.default_rng(5)
    vectors, attended = generator.standard_normal((2, count, 6, 5))
    weights = generator.random((count, 6))
    present = np.ones((count, 6), dtype=bool)
    if kind == "sentences":
        present[0, 1:] = False
        present[-1, 4:] = False
    targets = region_targets(2, 3).numpy() if kind == "regions" else np.eye(6)
    if kind == "sentences":
        assert np.array_equal(sentence_targets(6), targets)
    ours = local_losses(
        *(torch.tensor(part) for part in (vectors, attended)),
        torch.tensor(targets).double(),
        torch.tensor(present),
        torch.tensor(weights),
    )
    for value, pair in zip(ours, ((vectors, attended), (attended, vectors))):
        slow = slow_direction(*pair, targets, present, weights, 0.3)
        assert float(value) == pytest.approx(slow, rel=1e-6, abs=1e-9)


def test_a_lone_sentence_costs_nothing():
    vectors = torch.randn(1, 1, 4, generator=torch.Generator().manual_seed(0))
    present = torch.ones(1, 1, dtype=torch.bool)
    found = local_losses(vectors, -vectors, torch.eye(1), present, torch.ones(1, 1))
    assert max(abs(float(value)) for value in found) < 1e-6


def test_zero_padding_leaves_gradients_finite():
    vectors = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))
    vectors[0, 1:] = 0
    vectors.requires_grad_()
    present = torch.tensor([[True, False, False], [True, True, True]])
    forth, back = local_losses(
        vectors, vectors.detach().roll(1, 2), torch.eye(3), present, torch.ones(2, 3)
    )
    (forth + back).backward()
    assert torch.isfinite(vectors.grad).all()
    assert not vectors.grad[0, 1:].any()
