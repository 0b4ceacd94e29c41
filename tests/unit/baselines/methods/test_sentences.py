"""What methods do with sentences before they read them."""

import collections

import torch

from baselines.methods.sentences import one_sentence_each, swapped, words_only

REPORT = "Heart size is 1.5 cm. Clear. No effusion is seen."


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_one_sentence_is_drawn_and_all_come_up():
    drawn = collections.Counter(one_sentence_each([REPORT] * 300, seeded()))
    assert set(drawn) == {"Heart size is 1.5 cm.", "Clear.", "No effusion is seen."}
    assert min(drawn.values()) > 60
    assert one_sentence_each([REPORT] * 9, seeded(4)) == one_sentence_each([REPORT] * 9, seeded(4))


def test_short_sentences_are_left_out_and_hopeless_texts_kept():
    drawn = one_sentence_each([REPORT] * 50, seeded(), least_words=2)
    assert "Clear." not in drawn
    assert one_sentence_each(["Clear.", "", "..."], seeded(), least_words=2) == [
        "Clear.",
        "",
        "...",
    ]


def test_a_text_does_not_change_what_its_neighbours_draw():
    first = one_sentence_each([REPORT, REPORT, REPORT], seeded(7))
    second = one_sentence_each(["", "One. Two.", REPORT], seeded(7))
    assert first[2] == second[2]


def test_swaps_keep_the_sentences():
    parts = ["a", "b", "c", "d"]
    orders = {tuple(swapped(parts, seeded(seed), 0.6)) for seed in range(40)}
    assert all(sorted(order) == parts for order in orders)
    assert len(orders) > 3
    assert tuple(parts) in orders
    assert swapped(parts, seeded(), 0.0) == parts == ["a", "b", "c", "d"]
    assert swapped(["a"], seeded(), 0.6) == ["a"]
    assert swapped([], seeded(), 0.6) == []


def test_words_only():
    assert words_only("No effusion,\nat 1.5 cm!") == "no effusion at 1 5 cm"
    assert words_only("Rö ... ") == "r"
    assert words_only("?") == ""
