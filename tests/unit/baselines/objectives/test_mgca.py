"""MGCA's objectives against loops in plain numpy."""

import math

import numpy as np
import pytest
import torch

from baselines.objectives.contrast import cosine_logits
from baselines.objectives.mgca import (
    attention_over,
    clipped_weights,
    instance_loss,
    prototype_loss,
    token_loss,
)
from baselines.objectives.sinkhorn import sinkhorn_codes

GENERATOR = np.random.default_rng(3)


def tensor(*shape):
    return torch.from_numpy(GENERATOR.standard_normal(shape).astype("float32"))


def entropy_row(row, place):
    return math.log(sum(math.exp(value) for value in row)) - row[place]


def loop_sinkhorn(scores, epsilon, iterations):
    codes = np.exp(scores.astype(np.float64) / epsilon)
    codes /= codes.sum()
    count, kinds = codes.shape
    for _ in range(iterations):
        for kind in range(kinds):
            codes[:, kind] *= 1 / kinds / codes[:, kind].sum()
        for row in range(count):
            codes[row] *= 1 / count / codes[row].sum()
    return codes * count


@pytest.mark.parametrize("iterations", [1, 3])
def test_sinkhorn(iterations):
    scores = tensor(5, 7).tanh()
    codes = sinkhorn_codes(scores.requires_grad_(), 0.05, iterations)
    expected = loop_sinkhorn(scores.detach().numpy(), 0.05, iterations)
    assert np.allclose(codes, expected, rtol=1e-4, atol=1e-7)
    assert not codes.requires_grad


def test_sinkhorn_balances_prototypes_and_stands_large_scores():
    scores = torch.zeros(8, 2)
    scores[:, 0] = 1 + tensor(8).abs() / 10
    assert torch.allclose(sinkhorn_codes(scores, 0.05, 50).sum(dim=0), torch.full((2,), 4.0))
    assert torch.isfinite(sinkhorn_codes(scores * 100, 0.05, 3)).all()


def test_instance_loss_sums_or_halves():
    images, reports = tensor(4, 6), tensor(4, 6)
    logits = cosine_logits(images, reports, 1 / 0.07)
    rows = logits.tolist()
    columns = logits.T.tolist()
    both = sum(entropy_row(rows[i], i) + entropy_row(columns[i], i) for i in range(4)) / 4
    assert float(instance_loss(logits, halved=False)) == pytest.approx(both, rel=1e-5)
    assert float(instance_loss(logits)) == pytest.approx(both / 2, rel=1e-5)


def test_clipped_weights_leave_padding_out_of_quantiles():
    attention = tensor(3, 9).abs() + 0.01
    attention[0, 4:] = 0
    attention[2, 1:] = 0
    found = clipped_weights(attention.requires_grad_())
    assert not found.requires_grad
    for row, values in zip(found.numpy(), attention.detach().numpy()):
        known = values[values > 0]
        low, high = np.quantile(known, 0.1), np.quantile(known, 0.9)
        cut = np.where(values > 0, np.clip(values, low, high), 0)
        assert np.allclose(row, cut / cut.sum(), atol=1e-6)


def test_no_words_no_weight():
    attention = torch.tensor([[0.0, 0.0], [0.3, 0.1]])
    found = clipped_weights(attention)
    assert found[0].tolist() == [0, 0]
    assert torch.allclose(found[1].sum(), torch.tensor(1.0))


def test_attention_without_padding():
    scores = tensor(2, 3, 4)
    padding = torch.tensor([[False, True, False, True], [True] * 4])
    found = attention_over(scores, padding)
    for query in range(3):
        kept = np.exp([float(scores[0, query, 0]), float(scores[0, query, 2])])
        assert np.allclose(found[0, query], [kept[0] / kept.sum(), 0, kept[1] / kept.sum(), 0])
    assert torch.allclose(found[1], torch.full((3, 4), 0.25))


@pytest.mark.parametrize("batch", [1, 2, 3])
@pytest.mark.parametrize("leaves_out", [False, True])
def test_token_loss(batch, leaves_out):
    tokens, contexts = tensor(batch, 5, 4), tensor(batch, 5, 4)
    padding = torch.zeros(batch, 5, dtype=torch.bool)
    padding[0, 3:] = True
    weights = clipped_weights((tensor(batch, 5).abs() + 0.1).masked_fill(padding, 0))
    products = (tokens.numpy() @ contexts.numpy().transpose(0, 2, 1)) / 0.1
    total = 0.0
    for sample in range(batch):
        kept = [k for k in range(5) if not (leaves_out and padding[sample, k])]
        for place, k in enumerate(kept):
            across = entropy_row([products[sample, k, j] for j in kept], place)
            down = entropy_row([products[sample, j, k] for j in kept], place)
            total += float(weights[sample, k]) * (across + down) / 2
    found = token_loss(tokens, contexts, weights, 0.1, padding if leaves_out else None)
    assert float(found) == pytest.approx(total / batch, rel=1e-4)


def test_token_loss_without_words_is_finite_with_its_gradient():
    tokens = tensor(2, 3, 4).requires_grad_()
    padding = torch.tensor([[True] * 3, [False] * 3])
    weights = clipped_weights((~padding).float())
    loss = token_loss(tokens, tensor(2, 3, 4), weights, 0.1, padding)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(tokens.grad).all()
    assert tokens.grad[0].abs().sum() == 0
    assert tokens.grad[1].abs().sum() > 0


def test_prototype_loss_swaps_the_codes():
    images, reports = tensor(6, 4).tanh(), tensor(6, 4).tanh()
    codes = [loop_sinkhorn(part.numpy(), 0.05, 3) for part in (images, reports)]
    total = 0.0
    for scores, targets in ((images, codes[1]), (reports, codes[0])):
        for row, target in zip(scores.numpy() / 0.2, targets):
            total += sum(t * entropy_row(row.tolist(), k) for k, t in enumerate(target))
    assert float(prototype_loss(images, reports)) == pytest.approx(total / 12, rel=1e-4)
