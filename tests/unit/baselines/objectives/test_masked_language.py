from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.objectives.masked_language import LanguageHead, hide_tokens

MASK, FIRST, ENTRIES = 3, 4, 50


def drawn(rows: int, length: int, seed: int, chosen: float = 0.15) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(FIRST, ENTRIES, (rows, length), generator=generator)
    ids[:, 0] = 2
    lengths = torch.randint(2, length + 1, (rows,), generator=generator)
    attention = (torch.arange(length)[None] < lengths[:, None]).long()
    hidden, picked = hide_tokens(
        ids * attention,
        attention,
        generator,
        mask_id=MASK,
        first_word=FIRST,
        entries=ENTRIES,
        chosen=chosen,
    )
    return ids * attention, attention, hidden, picked


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 6), st.integers(2, 12), st.integers(0, 1000), st.sampled_from([0.0, 0.15]))
def test_only_words_are_chosen_and_the_others_stay(
    rows: int, length: int, seed: int, chosen: float
) -> None:
    ids, attention, hidden, picked = drawn(rows, length, seed, chosen)
    assert picked.any()
    assert not picked[:, 0].any()
    assert not picked[attention == 0].any()
    assert torch.equal(hidden[~picked], ids[~picked])
    assert ((hidden[picked] == MASK) | (hidden[picked] >= FIRST)).all()


def test_shares_are_those_of_bert() -> None:
    ids, attention, hidden, picked = drawn(400, 60, 1)
    words = attention.bool()
    words[:, 0] = False
    assert abs(float(picked.sum() / words.sum()) - 0.15) < 0.01
    assert abs(float((hidden[picked] == MASK).float().mean()) - 0.8) < 0.03
    kept = float((hidden[picked] == ids[picked]).float().mean())
    assert abs(kept - (0.1 + 0.1 / (ENTRIES - FIRST))) < 0.03


def test_the_head_ends_in_the_word_vectors() -> None:
    torch.manual_seed(0)
    head, words = LanguageHead(8, 20), torch.randn(20, 8)
    states = torch.randn(5, 8)
    with torch.no_grad():
        head.bias.copy_(torch.arange(20.0))
        mixed = states @ head.dense.weight.T + head.dense.bias
        hidden = torch.nn.functional.layer_norm(torch.nn.functional.gelu(mixed), (8,), eps=1e-12)
        expected = torch.stack([hidden @ word for word in words], dim=1) + torch.arange(20.0)
        assert torch.allclose(head(states, words), expected, atol=1e-5)
