"""Existence and place of entities against loops in numpy."""

import numpy as np
import pytest
import torch

from baselines.objectives.entity_queries import existence_loss, location_loss, place_candidates


def cross_entropy(logits, target):
    logits = np.asarray(logits, dtype=float)
    return np.log(np.exp(logits - logits.max()).sum()) + logits.max() - logits[target]


def test_existence_leaves_out_what_is_not_named_or_uncertain():
    source = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 5, 2, generator=source)
    states = torch.tensor([[0, 1, 2, -1, 1], [-1, -1, 0, 2, 2]])
    terms = [
        cross_entropy(logits[row, entity].numpy(), int(states[row, entity]))
        for row in range(2)
        for entity in range(5)
        if states[row, entity] in (0, 1)
    ]
    assert len(terms) == 4
    assert existence_loss(logits, states).item() == pytest.approx(np.mean(terms), rel=1e-5)


def test_location_counts_located_entities_alone():
    source = torch.Generator().manual_seed(1)
    scores = torch.randn(2, 3, 6, generator=source)
    places = torch.tensor([[4, -1, 0], [2, 5, -1]])
    located = torch.tensor([[True, False, True], [False, True, False]])
    candidates = place_candidates(places, 6, 3, source)
    terms = [
        cross_entropy(scores[row, entity].numpy()[candidates[row, entity].numpy()], 0)
        for row, entity in np.argwhere(located.numpy())
    ]
    assert location_loss(scores, candidates, located).item() == pytest.approx(np.mean(terms))


@pytest.mark.parametrize(("negatives", "width"), [(3, 4), (7, 6)])
def test_candidates_begin_with_the_right_place_and_repeat_none(negatives, width):
    places = torch.randint(0, 6, (50, 4), generator=torch.Generator().manual_seed(2))
    found = place_candidates(places, 6, negatives, torch.Generator().manual_seed(3))
    assert found.shape == (50, 4, width)
    assert torch.equal(found[:, :, 0], places)
    assert all(len(set(row.tolist())) == width for row in found.flatten(0, 1))
    # All wrong places are drawn.
    assert set(found[:, :, 1:].flatten().tolist()) == set(range(6))


def test_a_batch_that_names_nothing_gives_zero_with_a_gradient():
    logits = torch.randn(2, 3, 2).requires_grad_()
    loss = existence_loss(logits, torch.full((2, 3), -1))
    loss.backward()
    assert loss.item() == 0
    assert logits.grad.abs().sum() == 0
    scores = torch.randn(2, 3, 4).requires_grad_()
    candidates = place_candidates(torch.full((2, 3), -1), 4, 3, torch.Generator())
    assert location_loss(scores, candidates, torch.zeros(2, 3, dtype=torch.bool)).item() == 0
