"""Masks as run lengths: round trips, counts against pixels, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from benchmark.errors import BadDataError
from benchmark.metrics import rle
from benchmark.metrics.mask_runs import MaskRuns, encode_runs

SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 9))
MASKS = SHAPES.flatmap(lambda shape: hnp.arrays(bool, shape))
PAIRS = st.lists(
    SHAPES.flatmap(lambda shape: st.tuples(hnp.arrays(bool, shape), hnp.arrays(bool, shape))),
    max_size=6,
)


@given(st.lists(MASKS, max_size=6))
def test_what_is_encoded_is_decoded(masks):
    runs = MaskRuns.of(masks)
    assert len(runs) == len(masks)
    assert runs.runs.dtype == np.int32 and runs.offsets.dtype == np.int64
    for index, mask in enumerate(masks):
        np.testing.assert_array_equal(runs.mask(index, *mask.shape), mask)
    assert runs.sizes().tolist() == [int(mask.sum()) for mask in masks]


@given(MASKS)
def test_equals_the_run_length_strings(mask):
    absolute = [int(word) for word in rle.encode(mask, "absolute").split()]
    starts = [start - 1 for start in absolute[::2]]
    assert encode_runs(mask).tolist() == [list(pair) for pair in zip(starts, absolute[1::2])]


@given(PAIRS)
def test_common_pixels_equal_those_of_the_masks(pairs):
    first, second = (MaskRuns.of([pair[side] for pair in pairs]) for side in (0, 1))
    expected = [int((one & other).sum()) for one, other in pairs]
    assert first.common(second).tolist() == second.common(first).tolist() == expected
    assert first.common(first).tolist() == first.sizes().tolist()


@given(st.lists(MASKS, min_size=1, max_size=6), st.data())
def test_images_are_taken_in_any_order_and_twice(masks, data):
    rows = np.array(data.draw(st.lists(st.integers(0, len(masks) - 1), max_size=8)), dtype=int)
    taken = MaskRuns.of(masks).take(rows)
    assert taken.sizes().tolist() == [int(masks[row].sum()) for row in rows]
    for index, row in enumerate(rows):
        np.testing.assert_array_equal(taken.mask(index, *masks[row].shape), masks[row])


def test_no_images_and_empty_masks():
    nothing = MaskRuns.of([])
    assert len(nothing) == 0 and nothing.sizes().tolist() == []
    empty = MaskRuns.of([np.zeros((3, 4)), np.ones((2, 2)), np.zeros((1, 1))])
    assert empty.sizes().tolist() == [0, 4, 0]
    assert empty.common(MaskRuns.of([np.ones((3, 4)), np.eye(2), np.ones((1, 1))])).tolist() == [
        0, 2, 0,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("runs", "offsets"),
    [
        ([[0, 2], [1, 3]], [0, 2]),
        ([[5, 1], [0, 2]], [0, 2]),
        ([[-1, 2]], [0, 1]),
        ([[0, 0]], [0, 1]),
        ([[0, 2]], [0, 2]),
        ([[0, 2]], [1, 1]),
        ([[0, 2], [4, 1]], [0, 2, 1, 2]),
    ],
    ids=["overlap", "order", "before", "length", "too few", "start", "falling"],
)
def test_impossible_runs_are_refused(runs, offsets):
    with pytest.raises(BadDataError):
        MaskRuns(np.array(runs, dtype=np.int32), np.array(offsets, dtype=np.int64))


def test_equal_runs_of_two_images_are_no_overlap():
    runs = MaskRuns(np.array([[3, 4], [3, 4]], dtype=np.int32), np.array([0, 1, 1, 2]))
    assert runs.sizes().tolist() == [4, 0, 4]


def test_a_run_that_leaves_the_frame_and_unequal_numbers_are_refused():
    runs = MaskRuns.of([np.ones((3, 3))])
    with pytest.raises(BadDataError, match="leaves the image"):
        runs.mask(0, 2, 4)
    with pytest.raises(BadDataError, match="1 and of 2"):
        runs.common(MaskRuns.of([np.ones((3, 3))] * 2))
