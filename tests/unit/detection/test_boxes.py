"""Where boxes go: squares and back, augmentation, which images take part. No mmdet."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmark.data.geometry import boxes_to_square, to_square
from benchmark.data.manifest import Manifest
from benchmark.detection.augment import flip_and_jitter
from benchmark.detection.boxes import from_unit, square_to_frame, to_unit
from benchmark.detection.truth import read_truth
from benchmark.errors import BadDataError

SIDES = st.integers(20, 300)
SHARES = st.floats(0.3, 0.6)


def corners(xywh: np.ndarray) -> np.ndarray:
    return np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)


@given(height=SIDES, width=SIDES, size=st.integers(16, 400), x=SHARES, y=SHARES)
@pytest.mark.parametrize("geometry", ["squash", "pad_square"])
def test_boxes_come_back_from_the_square(
    geometry: str, height: int, width: int, size: int, x: float, y: float
) -> None:
    boxes = np.array([[x * width, y * height, 0.3 * width, 0.35 * height]])
    square = boxes_to_square(boxes, height, width, size, geometry)  # type: ignore[arg-type]
    back = square_to_frame(corners(square), height, width, size, geometry)  # type: ignore[arg-type]
    np.testing.assert_allclose(back, boxes, atol=1e-9 * max(height, width))


def test_a_crop_is_undone_where_it_kept_the_box() -> None:
    boxes = np.array([[60.0, 20, 30, 50]])
    square = boxes_to_square(boxes, 100, 150, 64, "resize_crop")
    back = square_to_frame(corners(square), 100, 150, 64, "resize_crop")
    np.testing.assert_allclose(back, boxes, atol=1e-9)


def test_what_lies_on_the_padding_has_no_area() -> None:
    on_padding = np.array([[0.0, 0, 64, 10], [0, 5, 30, 40]])
    found = square_to_frame(on_padding, 50, 100, 64, "pad_square")
    assert found[0, 3] == 0
    # 64 px show 100: the image begins at row 16.
    np.testing.assert_allclose(found[1], [0, 0, 30 * 100 / 64, 24 * 100 / 64])


def test_units_are_shares_of_width_and_height() -> None:
    boxes, frames = np.array([[10.0, 20, 30, 40]]), np.array([[80, 100]])
    shares = to_unit(boxes, frames)
    np.testing.assert_allclose(shares, [[0.1, 0.25, 0.3, 0.5]])
    np.testing.assert_allclose(from_unit(shares, frames), boxes)


def bright_box(mask: np.ndarray) -> np.ndarray:
    """Corners of the pixels above one half."""
    rows, columns = np.where(mask > 0.5)
    return np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], dtype=float)


@given(seed=st.integers(0, 500))
@pytest.mark.parametrize("flip", [0.0, 1.0])
@pytest.mark.parametrize("scale", [(1.0, 1.0), (0.6, 0.9), (1.1, 1.6)])
def test_boxes_move_with_their_image(seed: int, flip: float, scale: tuple[float, float]) -> None:
    """A bright rectangle is where its box is, to the pixel that a resampling blurs."""
    side = 64
    generator = np.random.default_rng(seed)
    x1, y1 = generator.integers(4, 30, 2)
    x2, y2 = x1 + generator.integers(12, 30), y1 + generator.integers(12, 30)
    images = torch.zeros(1, 1, side, side)
    images[0, 0, y1:y2, x1:x2] = 1.0
    box = torch.tensor([[x1, y1, x2, y2]], dtype=torch.float32)
    moved, boxes, labels = flip_and_jitter(
        images, [box], [torch.tensor([3])], torch.Generator().manual_seed(seed),
        flip_probability=flip, scale=scale,
    )  # fmt: skip
    assert moved.shape == images.shape
    if not len(boxes[0]):
        assert moved.max() < 0.6 or (moved > 0.5).sum() < side
        return
    assert labels[0].tolist() == [3]
    assert (boxes[0] >= 0).all() and (boxes[0] <= side).all()
    if (moved > 0.5).any():
        np.testing.assert_allclose(boxes[0][0].numpy(), bright_box(moved[0, 0].numpy()), atol=1.01)


def test_augmentation_is_a_function_of_the_generator_and_drops_slivers() -> None:
    images = torch.rand(6, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    boxes = [torch.tensor([[0.0, 0, 32, 32], [31.6, 0, 32, 32]])] * 5 + [torch.zeros(0, 4)]
    labels = [torch.arange(len(one)) for one in boxes]
    first, second = (
        flip_and_jitter(
            images, boxes, labels, torch.Generator().manual_seed(5),
            flip_probability=0.5, scale=(0.8, 1.2),
        )
        for _ in range(2)
    )  # fmt: skip
    assert torch.equal(first[0], second[0])
    assert all(torch.equal(a, b) for a, b in zip(first[1], second[1], strict=True))
    assert [names.tolist() for names in first[2]] == [[0]] * 5 + [[]]


def manifest(tmp_path: Path = Path("nowhere")) -> Manifest:
    """Six images: two with boxes, two healthy ones, an unknown one, a positive without a box."""
    rows = 6
    images = pd.DataFrame(
        {
            "image": [f"i{row}" for row in range(rows)],
            "path": [f"i{row}.png" for row in range(rows)],
            "patient": [f"x:{row}" for row in range(rows)],
            "study": "s", "view": "frontal", "split": "", "sex": "", "age": 50.0,
        }
    )  # fmt: skip
    columns = ["image", "label", "phrase", "x", "y", "w", "h", "width", "height", "split"]
    boxes = [
        ("i1", "Mass", "", 1, 2, 3, 4, 40, 30, ""),
        ("i4", "Edema", "", 5, 6, 7, 8, 50, 60, ""),
        ("i1", "Edema", "", 9, 9, 5, 5, 40, 30, ""),
        ("i2", "Other", "", 0, 0, 5, 5, 40, 30, ""),
    ]
    labels = {"Mass": [0, 1, 0, 0, 0, 1], "Edema": [0, 1, 0, np.nan, 1, 0]}
    return Manifest(
        "fake", "1", tmp_path, images, pd.DataFrame(labels, dtype=float),
        boxes=pd.DataFrame(boxes, columns=columns),
    )  # fmt: skip


def test_which_images_take_part() -> None:
    whole = manifest()
    asked: list[int] = []

    def size_of(row: int) -> tuple[int, int]:
        asked.append(row)
        return 11, 22

    arguments = (whole, np.array([5, 4, 3, 2, 1, 0]), ("Edema", "Mass"), whole.labels)
    truth = read_truth(*arguments, "include", size_of)
    # i3 has no label of Edema, i5 is positive without a box: nothing says where.
    assert truth.rows.tolist() == [4, 2, 1, 0]
    assert asked == [2, 0]
    assert truth.frames.tolist() == [[60, 50], [11, 22], [30, 40], [11, 22]]
    assert truth.boxes.tolist() == [[5, 6, 7, 8], [1, 2, 3, 4], [9, 9, 5, 5]]
    assert truth.image.tolist() == [0, 2, 2]
    assert truth.labels.tolist() == [0, 1, 0]
    assert truth.counts() == {
        "images": 4, "images_with_boxes": 2, "boxes": 3,
        "left_out_unknown": 2, "left_out_without_boxes": 0,
    }  # fmt: skip
    some = truth.among(np.array([False, True, True, False]))
    assert some.rows.tolist() == [2, 1]
    assert some.image.tolist() == [1, 1]
    assert some.boxes.tolist() == [[1, 2, 3, 4], [9, 9, 5, 5]]
    positives = read_truth(*arguments, "exclude", size_of)
    assert positives.rows.tolist() == [4, 1]
    assert positives.empty_left_out == 2
    assert asked == [2, 0]


def test_no_boxes_at_all_is_an_error() -> None:
    whole = manifest()
    bare = dataclasses.replace(whole, boxes=whole.boxes.iloc[:0])
    with pytest.raises(BadDataError, match="no boxes of Mass"):
        read_truth(bare, np.arange(6), ("Mass",), whole.labels, "include", lambda _: (1, 1))


def test_boxes_lie_where_the_reader_puts_the_pixels() -> None:
    """A drawn rectangle, through the same geometry as its image."""
    image = np.zeros((90, 150), dtype=np.uint8)
    image[20:60, 30:100] = 255
    boxes = np.array([[30.0, 20, 70, 40]])
    for geometry in ("squash", "pad_square"):
        square = to_square(image, 64, geometry)  # type: ignore[arg-type]
        moved = corners(boxes_to_square(boxes, 90, 150, 64, geometry))  # type: ignore[arg-type]
        np.testing.assert_allclose(moved[0], bright_box(square / 255), atol=1.01)
