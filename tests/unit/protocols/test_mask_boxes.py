from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchmark.data.geometry import boxes_to_square
from benchmark.metrics.grounding_maps import box_counts
from benchmark.protocols.mask_boxes import mask_in_frame, tiling_boxes

MASKS = arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12)))


@given(MASKS)
def test_rectangles_tile_the_mask(mask: np.ndarray) -> None:
    boxes = tiling_boxes(mask)
    side = max(mask.shape)
    square = np.zeros((side, side), dtype=int)
    square[: mask.shape[0], : mask.shape[1]] = mask
    counts = box_counts(boxes.astype(np.float32), np.zeros(len(boxes), int), 1, side)[0]
    np.testing.assert_array_equal(counts, square)
    assert boxes[:, 2:].prod(axis=1).sum() == mask.sum()
    assert (boxes[:, 2:] >= 1).all()


def test_a_rectangle_is_one_box_and_runs_are_joined_only_where_they_agree() -> None:
    mask = np.zeros((9, 9), dtype=bool)
    mask[2:6, 1:5] = True
    assert tiling_boxes(mask).tolist() == [[1, 2, 4, 4]]
    mask[2:7, 5] = True
    mask[2:6, 6] = True
    assert tiling_boxes(mask).tolist() == [[1, 2, 4, 4], [5, 2, 1, 5], [6, 2, 1, 4]]
    assert tiling_boxes(np.zeros((4, 4))).shape == (0, 4)


@pytest.mark.parametrize("geometry", ["pad_square", "squash", "resize_crop"])
def test_a_mask_moves_as_a_box_of_the_same_pixels_does(geometry: str) -> None:
    mask = np.zeros((120, 200), dtype=bool)
    mask[32:88, 60:140] = True
    moved = mask_in_frame(mask, 40, geometry)  # type: ignore[arg-type]
    box = boxes_to_square(np.array([[60, 32, 80, 56]]), 120, 200, 40, geometry)[0]  # type: ignore[arg-type]
    rows, columns = np.flatnonzero(moved.any(axis=1)), np.flatnonzero(moved.any(axis=0))
    edges = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
    np.testing.assert_allclose(edges, [*box[:2], *(box[:2] + box[2:])], atol=1)
    assert moved.sum() == np.ptp([edges[0], edges[2]]) * np.ptp([edges[1], edges[3]])


def test_half_of_a_pixel_is_inside_and_less_is_not() -> None:
    mask = np.zeros((8, 8), dtype=bool)
    mask[0:4, 0:4] = True
    mask[0:2, 4:8] = True
    mask[4, 0:4] = True
    assert mask_in_frame(mask, 2, "pad_square").tolist() == [[True, True], [False, False]]


def test_a_rim_thinner_than_a_pixel_keeps_what_it_covers_most() -> None:
    mask = np.zeros((64, 64), dtype=bool)
    mask[10, 8:20] = True
    moved = mask_in_frame(mask, 8, "pad_square")
    assert np.argwhere(moved).tolist() == [[1, 1]]
    assert not mask_in_frame(np.zeros((64, 64), dtype=bool), 8, "pad_square").any()


def test_a_mask_that_is_cut_off_is_empty() -> None:
    mask = np.zeros((40, 120), dtype=bool)
    mask[:, :10] = True
    assert not mask_in_frame(mask, 20, "resize_crop").any()
