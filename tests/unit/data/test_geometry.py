from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.data.geometry import boxes_to_square, placement, to_square
from benchmark.errors import UsageError

GEOMETRIES = ("resize_crop", "squash", "pad_square")


@settings(max_examples=120, deadline=None)
@given(
    height=st.integers(40, 200),
    width=st.integers(40, 200),
    size=st.sampled_from([32, 64, 97]),
    geometry=st.sampled_from(GEOMETRIES),
    data=st.data(),
)
def test_a_drawn_box_moves_with_its_numbers(
    height: int, width: int, size: int, geometry: str, data: st.DataObject
) -> None:
    w = data.draw(st.integers(12, width))
    h = data.draw(st.integers(12, height))
    x = data.draw(st.integers(0, width - w))
    y = data.draw(st.integers(0, height - h))
    image = np.zeros((height, width), np.uint8)
    image[y : y + h, x : x + w] = 255
    square = to_square(image, size, geometry)
    assert square.shape == (size, size) and square.dtype == np.uint8
    left, top, wide, high = boxes_to_square([[x, y, w, h]], height, width, size, geometry)[0]
    if min(wide, high) < 3:
        return
    rows, columns = np.nonzero(square > 127)
    assert rows.min() == pytest.approx(top, abs=1)
    assert rows.max() + 1 == pytest.approx(top + high, abs=1)
    assert columns.min() == pytest.approx(left, abs=1)
    assert columns.max() + 1 == pytest.approx(left + wide, abs=1)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_nothing_is_done_where_all_is_right(geometry: str) -> None:
    image = np.arange(64, dtype=np.uint8).reshape(8, 8)
    assert to_square(image, 8, geometry) is image
    assert np.array_equal(boxes_to_square([[1, 2, 3, 4]], 8, 8, 8, geometry), [[1, 2, 3, 4]])


def test_padding_as_in_the_grounding_code() -> None:
    place = placement(3056, 2544, 224, "pad_square")
    assert (place.height, place.width) == (224, 186)
    assert (place.top, place.left) == (0, (224 - 186) // 2)
    square = to_square(np.full((100, 50), 200, np.uint8), 40, "pad_square")
    assert square[:, :10].max() == 0 and square[:, 30:].max() == 0
    assert square[:, 10:30].min() == 200


def test_resize_crop_as_in_torchvision() -> None:
    place = placement(300, 200, 224, "resize_crop")
    assert (place.height, place.width) == (336, 224)
    assert (place.top, place.left) == (-56, 0)


def test_boxes_of_another_frame_and_cropped_boxes() -> None:
    moved = boxes_to_square([[512, 0, 256, 512]], 1024, 1024, 64, "squash")
    assert np.allclose(moved, [[32, 0, 16, 32]])
    gone = boxes_to_square([[0, 0, 10, 5]], 300, 100, 50, "resize_crop")
    assert gone[0, 3] == 0
    assert boxes_to_square(np.zeros((0, 4)), 9, 9, 9, "squash").shape == (0, 4)


def test_unknown_geometry() -> None:
    with pytest.raises(UsageError, match="squash"):
        to_square(np.zeros((4, 5), np.uint8), 3, "sqash")


@pytest.mark.parametrize("shape", [(20, 24), (24, 20), (63, 64), (7, 8)])
def test_padding_of_a_single_pixel_still_gives_a_square(shape: tuple[int, int]) -> None:
    for size in (8, 64):
        assert to_square(np.ones(shape, np.uint8), size, "pad_square").shape == (size, size)
