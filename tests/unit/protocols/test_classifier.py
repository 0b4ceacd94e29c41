from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from benchmark.protocols.classifier import (
    HeadLoss,
    inverse_frequencies,
    masked_loss,
    one_of_many_loss,
    positive_weights,
    probabilities,
)

NAN = float("nan")


def test_masked_loss_ignores_unknown_labels() -> None:
    logits = torch.tensor([[0.0, 50.0], [2.0, -1.0]], requires_grad=True)
    truth = torch.tensor([[1.0, NAN], [0.0, 1.0]])
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


def test_one_of_many_uses_images_with_exactly_one_positive() -> None:
    logits = torch.randn(5, 3, generator=torch.Generator().manual_seed(0), requires_grad=True)
    truth = torch.tensor(
        [[0.0, 1.0, 0.0], [1.0, NAN, NAN], [0.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    )
    loss = one_of_many_loss(logits, truth)
    expected = functional.cross_entropy(logits[[0, 1, 4]], torch.tensor([1, 0, 2]))
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
    loss.backward()
    assert logits.grad is not None
    assert torch.equal(logits.grad[2:4], torch.zeros(2, 3))
    assert one_of_many_loss(logits, torch.zeros(5, 3)).item() == 0


def test_weights_of_one_of_many_make_the_classes_equal() -> None:
    truth = np.eye(3)[[0, 0, 0, 0, 1, 1]]
    weights = inverse_frequencies(truth)
    assert np.allclose(weights, [0.5, 1.0, 1.0])
    logits = torch.randn(6, 3, generator=torch.Generator().manual_seed(1))
    loss = HeadLoss.of("one_of_many", truth, weighted=True)
    torch_weights = torch.tensor(weights, dtype=torch.float32)
    expected = functional.cross_entropy(
        logits, torch.tensor([0, 0, 0, 0, 1, 1]), weight=torch_weights
    )
    actual = loss(logits, torch.tensor(truth, dtype=torch.float32))
    assert actual.item() == pytest.approx(expected.item(), rel=1e-6)


def test_weighted_binary_loss_is_that_of_the_inverse_odds() -> None:
    truth = np.array([[1.0], [0.0], [0.0], [0.0]])
    loss = HeadLoss.of("multi_label", truth, weighted=True)
    assert loss.weight is not None
    assert loss.weight.tolist() == [3.0]
    # At equal logits positives and negatives then weigh the same: the gradient vanishes at 0.
    logits = torch.zeros(4, 1, requires_grad=True)
    loss(logits, torch.tensor(truth, dtype=torch.float32)).backward()
    assert logits.grad is not None
    assert logits.grad.sum().item() == pytest.approx(0, abs=1e-7)


def test_probabilities() -> None:
    logits = torch.tensor([[0.0, 2.0, -1.0]])
    each = probabilities(logits, "multi_label")
    assert torch.allclose(each, torch.sigmoid(logits))
    together = probabilities(logits, "one_of_many")
    assert together.sum().item() == pytest.approx(1)
    assert together.argmax().item() == 1
