"""Run-length encoding: round trips, the two forms by hand, mistakes."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from benchmark.errors import BadDataError
from benchmark.metrics.rle import decode, decode_union, encode

MASK = np.array([[0, 1, 1], [1, 1, 0]], dtype=bool)  # columns: 0 1 | 1 1 | 1 0


def test_by_hand():
    assert encode(MASK, "relative") == "1 4"
    assert encode(MASK, "absolute") == "2 4"
    two_runs = np.array([[1, 0, 0], [0, 0, 1]], dtype=bool)  # columns: 1 0 | 0 0 | 0 1
    assert encode(two_runs, "relative") == "0 1 4 1"
    assert encode(two_runs, "absolute") == "1 1 6 1"
    np.testing.assert_array_equal(decode("0 1 4 1", 2, 3), two_runs)
    np.testing.assert_array_equal(decode("1 1 6 1", 2, 3, "absolute"), two_runs)


@settings(max_examples=100, deadline=None)
@given(
    arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=12)),
    st.sampled_from(["absolute", "relative"]),
)
def test_round_trip(mask, form):
    text = encode(mask, form)
    np.testing.assert_array_equal(decode(text, *mask.shape, form), mask)
    assert encode(decode(text, *mask.shape, form), form) == text


def test_empty_masks_and_spaces():
    for text in ("-1", " -1", "", "  "):
        assert not decode(text, 4, 5).any()
    assert encode(np.zeros((3, 3)), "relative") == "-1"
    assert encode(np.zeros((3, 3)), "absolute") == ""
    np.testing.assert_array_equal(decode(" 1 4 ", 2, 3), MASK)


def test_union_of_rows():
    union = decode_union(["0 1", "5 1", "-1"], 2, 3)
    assert union.sum() == 2
    assert union[0, 0]
    assert union[1, 2]


@pytest.mark.parametrize("text", ["1", "a b", "0 7", "5 2", "0 0", "-3 2", "1 -2"])
def test_mistakes(text):
    with pytest.raises(BadDataError):
        decode(text, 2, 3)


def test_real_siim_rows_round_trip(real_data):
    table = real_data / "annotations" / "siim-pneumothorax-train-rle.csv.gz"
    frame = pd.read_csv(table, nrows=200)
    texts = frame.iloc[:, 1].astype(str).str.strip()
    positives = texts[texts != "-1"]
    assert len(positives) > 20
    for text in positives:
        mask = decode(text, 1024, 1024)
        assert mask.sum() == sum(int(part) for part in text.split()[1::2])
        np.testing.assert_array_equal(decode(encode(mask), 1024, 1024), mask)
