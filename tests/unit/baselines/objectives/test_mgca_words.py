"""Words from word pieces against a loop over the pieces."""

import numpy as np
import pytest
import torch

from baselines.objectives.mgca_words import words_of

# 1 = the piece begins a word, 2 = it continues one, 0 = padding. The first is [CLS].
TEXTS = [
    [1, 1, 2, 2, 1, 0, 0],
    [1, 1, 1, 1, 1, 1, 2],
    [1, 0, 0, 0, 0, 0, 0],
    [1, 1, 2, 1, 2, 1, 1],
]
SLOTS = 7


@pytest.fixture
def given():
    draw = np.random.default_rng(5)
    kinds = torch.tensor(TEXTS)
    states = torch.from_numpy(draw.standard_normal((4, SLOTS, 3)).astype("float32"))
    attention = torch.from_numpy(draw.random((4, SLOTS)).astype("float32"))
    return states, attention.masked_fill(kinds == 0, 0), kinds != 0, kinds == 2


def loop_words(states, attention, kinds):
    """Vector and attention of each word but the first, with the meant alignment."""
    words = []
    for state, paid, kind in zip(states, attention, kinds):
        if kind == 1:
            words.append([np.zeros(3), 0.0])
        if kind:
            words[-1][0] = words[-1][0] + state
            words[-1][1] += paid
    return words[1:]


def loop_official(states, attention, kinds):
    """As the official loop runs: the next token's attention, one step short in a full text."""
    length = sum(kind > 0 for kind in kinds)
    words, current = [], None
    for place in range(min(length, SLOTS - 1)):
        if kinds[place] == 1:
            if current is not None:
                words.append(current)
            current = [np.zeros(3), 0.0]
        current = [current[0] + states[place], current[1] + attention[place + 1]]
    if length < SLOTS:
        words.append(current)
    return words[1:]


@pytest.mark.parametrize(("form", "loop"), [("aligned", loop_words), ("official", loop_official)])
def test_words(given, form, loop):
    states, attention, _, _ = given
    found = words_of(*given, SLOTS, form)
    assert found.vectors.shape == (4, SLOTS - 1, 3)
    for row, kinds in enumerate(TEXTS):
        expected = loop(states[row].numpy(), attention[row].numpy(), kinds)
        count = len(expected)
        assert (~found.padding[row]).sum() == count
        assert not found.padding[row, :count].any()
        assert not found.vectors[row, count:].any()
        assert not found.attention[row, count:].any()
        for place, (vector, paid) in enumerate(expected):
            assert np.allclose(found.vectors[row, place], vector, atol=1e-6)
            assert float(found.attention[row, place]) == pytest.approx(paid, abs=1e-6)


def test_slots_beyond_the_longest_text_change_nothing_in_the_aligned_form(given):
    near, far = words_of(*given, SLOTS), words_of(*given, SLOTS + 4)
    assert far.vectors.shape[1] == SLOTS + 3
    assert torch.equal(near.vectors, far.vectors[:, : SLOTS - 1])
    assert far.padding[:, SLOTS - 1 :].all()


def test_only_a_full_text_loses_its_last_word(given):
    states, attention, present, continues = given
    kept = words_of(states, attention, present, continues, SLOTS + 1, "official")
    lost = words_of(states, attention, present, continues, SLOTS, "official")
    counts = [(~part.padding).sum(dim=1).tolist() for part in (kept, lost)]
    assert counts == [[2, 5, 0, 4], [2, 4, 0, 2]]


def test_gradient_reaches_the_pieces(given):
    states = given[0].clone().requires_grad_()
    words_of(states, *given[1:], SLOTS).vectors.sum().backward()
    expected = given[2].float()
    expected[:, 0] = 0
    assert torch.equal(states.grad, expected[:, :, None].expand(-1, -1, 3))
