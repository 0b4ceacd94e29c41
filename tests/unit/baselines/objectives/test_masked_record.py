from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.objectives.masked_record import (
    bert_replacement,
    padded,
    pick_words,
    scored_positions,
    word_loss,
)

MASK, VOCABULARY = 3, 50
CONTINUES = torch.arange(VOCABULARY) >= 30


def drawn(rows: int, length: int, seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(4, VOCABULARY, (rows, length), generator=generator)
    ids[:, 0] = 2
    lengths = torch.randint(1, length + 1, (rows,), generator=generator)
    attention = (torch.arange(length)[None] < lengths[:, None]).long()
    return ids * attention, attention, torch.rand(rows, length, generator=generator)


def walked(ids: np.ndarray, draws: np.ndarray, chosen: float, stop: int) -> np.ndarray:
    """The walk of MRM's code over the positions of each text."""
    picked = np.zeros(ids.shape, dtype=bool)
    for row in range(len(ids)):
        used = 0
        for place in range(1, stop):
            if ids[row, place] == 0:
                break
            if ids[row, place] >= 30:
                picked[row, place] = picked[row, place - 1]
                continue
            picked[row, place] = draws[row, used] < chosen
            used += 1
    return picked


@settings(deadline=None, max_examples=80)
@given(
    st.integers(1, 5), st.integers(2, 14), st.integers(0, 10**6), st.sampled_from([0.15, 0.5, 0.9])
)
def test_whole_words_equal_the_walk(rows: int, length: int, seed: int, chosen: float) -> None:
    ids, attention, draws = drawn(rows, length, seed)
    for stop in (None, length - 1):
        expected = walked(ids.numpy(), draws.numpy(), chosen, length if stop is None else stop)
        picked = pick_words(ids, attention, CONTINUES, draws, chosen, stop=stop)
        if expected.any():
            assert np.array_equal(picked.numpy(), expected)
        assert not picked[:, 0].any()
        assert not picked[attention == 0].any()


def test_pieces_alone_are_drawn_one_by_one() -> None:
    ids, attention, draws = drawn(300, 40, 5)
    picked = pick_words(ids, attention, CONTINUES, draws, 0.5, whole_words=False)
    expected = torch.zeros_like(picked)
    expected[:, 1:] = draws[:, :-1] < 0.5
    assert torch.equal(picked, expected & attention.bool())
    inner = CONTINUES[ids]
    inner[:, 1] = False
    split = picked[:, 1:] != picked[:, :-1]
    assert split[inner[:, 1:]].any()
    whole = pick_words(ids, attention, CONTINUES, draws, 0.5)
    split = whole[:, 1:] != whole[:, :-1]
    assert not split[inner[:, 1:]].any()


def test_a_batch_without_a_draw_hides_the_first_word_of_the_longest_text() -> None:
    ids = torch.tensor([[2, 10, 0, 0, 0], [2, 11, 31, 12, 0]])
    picked = pick_words(ids, (ids > 0).long(), CONTINUES, torch.ones(2, 5), 0.5)
    assert picked.tolist() == [[False] * 5, [False, True, True, False, False]]
    empty = torch.tensor([[2], [2]])
    assert not pick_words(empty, torch.ones_like(empty), CONTINUES, torch.ones(2, 1), 0.5).any()


def test_replacement_has_the_shares_of_bert() -> None:
    ids, _, draws = drawn(300, 60, 8)
    picked = torch.rand(ids.shape, generator=torch.Generator().manual_seed(1)) < 0.4
    words = torch.full_like(ids, 1)
    hidden = bert_replacement(ids, picked, draws, words, MASK)
    assert torch.equal(hidden[~picked], ids[~picked])
    for row, column in picked.nonzero()[:500].tolist():
        draw = float(draws[row, column])
        expected = MASK if draw < 0.8 else 1 if draw >= 0.9 else int(ids[row, column])
        assert int(hidden[row, column]) == expected
    assert abs(float((hidden[picked] == MASK).float().mean()) - 0.8) < 0.02


def test_all_positions_count_padding_and_visible_words() -> None:
    generator = torch.Generator().manual_seed(3)
    labels = torch.tensor([[2, 7, 9, 0], [2, 5, 0, 0]])
    picked = torch.tensor([[False, True, False, False], [False, True, False, False]])
    scores = torch.randn(2, 4, 12, generator=generator)
    terms = {"masked": [], "all": []}
    for row in range(2):
        for place in range(4):
            values = scores[row, place].double().numpy()
            term = np.log(np.exp(values).sum()) - values[int(labels[row, place])]
            terms["all"].append(term)
            if picked[row, place]:
                terms["masked"].append(term)
    for positions in ("masked", "all"):
        wanted = scored_positions(picked, positions)
        loss = word_loss(scores[wanted], labels[wanted])
        assert abs(float(loss) - np.mean(terms[positions])) < 1e-5
    assert abs(np.mean(terms["masked"]) - np.mean(terms["all"])) > 1e-2


def test_no_position_gives_a_loss_of_zero_with_gradient() -> None:
    scores = torch.zeros(0, 5, requires_grad=True)
    loss = word_loss(scores, torch.zeros(0, dtype=torch.int64))
    loss.backward()
    assert float(loss.detach()) == 0
    assert scores.grad is not None


def test_padding_keeps_what_is_there() -> None:
    ids = torch.tensor([[2, 7]])
    assert padded(ids, 4).tolist() == [[2, 7, 0, 0]]
    assert padded(ids, 2).tolist() == [[2, 7]]
