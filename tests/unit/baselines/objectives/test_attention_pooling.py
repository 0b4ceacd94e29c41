"""Attention pooling against a head-by-head computation, and its positions on other grids."""

import math

import numpy as np
import pytest
import torch

from baselines.objectives.attention_pooling import AttentionPool


def pool_of(heads=3, head_width=5, grid=(2, 3), width=8):
    torch.manual_seed(0)
    return AttentionPool(width, heads, head_width, grid).eval()


def loop(pool, cells):
    """One image, (C, rows, columns): the vector, and a list of weights a head."""
    state = {name: value.detach().double().numpy() for name, value in pool.state_dict().items()}
    tokens = [cells[:, y, x] for y in range(cells.shape[1]) for x in range(cells.shape[2])]
    tokens = [sum(tokens) / len(tokens), *tokens]
    tokens = [token + place for token, place in zip(tokens, state["positional_embedding"])]
    inner, width = pool.heads * pool.head_width, pool.head_width
    rows = [state["in_proj.weight"] @ token + state["in_proj.bias"] for token in tokens]
    joined, maps = [], []
    for head in range(pool.heads):
        part = slice(head * width, (head + 1) * width)
        query = rows[0][:inner][part]
        scores = [float(query @ row[inner : 2 * inner][part]) / math.sqrt(width) for row in rows]
        shares = np.exp(scores) / np.exp(scores).sum()
        joined.extend(sum(share * row[2 * inner :][part] for share, row in zip(shares, rows)))
        maps.append(shares[1:])
    out = state["out_proj.weight"] @ np.array(joined) + state["out_proj.bias"]
    return state["c_proj.weight"] @ out + state["c_proj.bias"], maps


@pytest.mark.parametrize("heads", [1, 2, 3, 4])
def test_vector_and_attention_as_head_by_head(heads):
    pool = pool_of(heads)
    cells = torch.randn(2, 8, 2, 3, generator=torch.Generator().manual_seed(1))
    pooled, attention = pool(cells)
    assert pooled.shape == (2, 8) and attention.shape == (2, heads, 2, 3)
    for place in range(2):
        vector, maps = loop(pool, cells[place].double().numpy())
        np.testing.assert_allclose(pooled[place].detach().numpy(), vector, atol=1e-5)
        np.testing.assert_allclose(attention[place].flatten(1).detach().numpy(), maps, atol=1e-6)


def test_attention_leaves_out_the_mean_token():
    attention = pool_of()(torch.randn(2, 8, 2, 3))[1]
    sums = attention.sum(dim=(2, 3))
    assert (sums < 1).all() and (sums > 0).all()


def test_positions_fit_other_grids_and_keep_the_mean_tokens():
    pool = pool_of()
    assert pool.positions(2, 3) is pool.positional_embedding
    moved = pool.positions(4, 6)
    assert moved.shape == (25, 8)
    assert torch.equal(moved[0], pool.positional_embedding[0])
    assert pool(torch.randn(1, 8, 4, 6))[1].shape == (1, 3, 4, 6)
    # A ramp over the columns stays one, but for the kernel's ripple.
    with torch.no_grad():
        pool = pool_of(grid=(6, 6))
        pool.positional_embedding[1:] = torch.arange(6.0).repeat(6)[:, None]
    ramp = pool.positions(12, 12)[1:].unflatten(0, (12, 12))[6, 4:8, 0]
    np.testing.assert_allclose(ramp.detach().numpy(), [1.75, 2.25, 2.75, 3.25], atol=0.06)


def test_every_parameter_learns():
    pool = pool_of()
    pooled, attention = pool(torch.randn(2, 8, 2, 3))
    (pooled.square().sum() + attention.sum()).backward()
    assert all(part.grad is not None and part.grad.any() for part in pool.parameters())
