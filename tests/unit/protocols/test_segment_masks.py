"""Masks move with their images: squares, boxes, and the way back to a mask's own frame."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from segmented import FRAME, RECIPE, cell

from benchmark.data.geometry import placement, to_square
from benchmark.data.manifest import BOX_COLUMNS
from benchmark.errors import BadDataError
from benchmark.protocols import segment
from benchmark.protocols.segment_masks import (
    TrueMasks,
    mask_to_square,
    probability_in_frame,
    union_of_boxes,
)

if TYPE_CHECKING:
    from pathlib import Path

GEOMETRIES = ("resize_crop", "squash", "pad_square")
SHAPES = st.tuples(st.integers(20, 90), st.integers(20, 90))


def blob(height: int, width: int) -> np.ndarray:
    """A smooth region that touches no border."""
    rows, columns = np.mgrid[:height, :width] + 0.5
    return ((rows / height - 0.45) ** 2 * 1.5 + (columns / width - 0.55) ** 2) < 0.09


@pytest.mark.parametrize("geometry", GEOMETRIES)
@given(shape=SHAPES, size=st.integers(8, 70))
def test_a_mask_moves_as_its_image_does(geometry: Any, shape: tuple[int, int], size: int) -> None:
    mask = blob(*shape)
    place = placement(*shape, size, geometry)
    moved = mask_to_square(mask, place, size)
    assert moved.shape == (size, size) and moved.dtype == bool
    # The picture of the mask, moved as an image, is bright where the mask is, but for the rim.
    picture = to_square(mask.astype(np.uint8) * 255, size, geometry)
    wrong = moved != (picture > 127)
    rim = (picture > 25) & (picture < 230)
    assert not (wrong & ~rim).any()


def test_by_area_a_pixel_is_inside_where_half_of_it_is() -> None:
    mask = np.zeros((4, 8), dtype=bool)
    mask[0, 0:2] = True  # two of four
    mask[0, 2] = True  # one of four
    mask[2:4, 4:6] = True  # all
    moved = mask_to_square(mask, placement(4, 8, 4, "pad_square"), 4)
    expected = np.zeros((4, 4), dtype=bool)
    expected[1, 0] = expected[2, 2] = True
    np.testing.assert_array_equal(moved, expected)


def test_a_mask_of_another_resolution_lands_where_its_image_does() -> None:
    place = placement(64, 48, 32, "pad_square")
    small = mask_to_square(blob(64, 48), place, 32)
    large = mask_to_square(blob(512, 384), place, 32)
    assert (small ^ large).sum() <= 0.05 * small.sum()


def moved_back_by_loops(probability: np.ndarray, place: Any, height: int, width: int) -> np.ndarray:
    """Bilinear values at pixel centres, clamped to the image's part of the square."""
    size = len(probability)
    found = np.zeros((height, width))
    for row in range(height):
        for column in range(width):
            y = (row + 0.5) * place.height / height - 0.5
            x = (column + 0.5) * place.width / width - 0.5
            y, x = np.clip(y, 0, place.height - 1), np.clip(x, 0, place.width - 1)
            for r, share_r in ((int(y), 1 - y % 1), (int(y) + 1, y % 1)):
                for c, share_c in ((int(x), 1 - x % 1), (int(x) + 1, x % 1)):
                    in_square = r + place.top, c + place.left
                    if all(0 <= side < size for side in in_square) and share_r * share_c > 0:
                        found[row, column] += share_r * share_c * probability[in_square]
    return found


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("frame", [(30, 21), (12, 16), (9, 9)])
def test_probabilities_move_back_as_by_loops(geometry: Any, frame: tuple[int, int]) -> None:
    probability = np.random.default_rng(0).random((12, 12))
    place = placement(*frame, 12, geometry)
    found = probability_in_frame(torch.from_numpy(probability), place, *frame).numpy()
    np.testing.assert_allclose(found, moved_back_by_loops(probability, place, *frame), atol=1e-6)


@pytest.mark.parametrize("geometry", GEOMETRIES)
@given(shape=SHAPES)
def test_there_and_back_again(geometry: Any, shape: tuple[int, int]) -> None:
    mask = blob(*shape)
    place = placement(*shape, 96, geometry)
    square = torch.from_numpy(mask_to_square(mask, place, 96)).float()
    again = probability_in_frame(square, place, *shape).numpy() >= 0.5
    kept = np.ones(shape, dtype=bool)
    if geometry == "resize_crop":
        kept = probability_in_frame(torch.ones(96, 96), place, *shape).numpy() >= 0.5
    assert not again[~kept].any(), "what was cut off is outside"
    common, total = (again & mask & kept).sum(), again.sum() + (mask & kept).sum()
    assert 2 * common / total > 0.9


def test_boxes_are_joined_and_counted_by_centres() -> None:
    boxes = np.array(
        [[1, 2, 3, 2, 8, 10], [3, 3, 4, 2, 8, 10], [8.6, 0, 5, 1, 8, 10], [-2, 6, 3, 9, 8, 10]]
    )
    expected = np.zeros((8, 10), dtype=bool)
    for row in range(8):
        for column in range(10):
            for x, y, w, h, *_ in boxes:
                inside = x <= column + 0.5 < x + w and y <= row + 0.5 < y + h
                expected[row, column] |= inside
    np.testing.assert_array_equal(union_of_boxes(boxes), expected)


def boxed_cell(folder: Path) -> Any:
    """A cell whose masks are boxes; images without a disc are labelled so, one not at all."""
    context = cell(folder)
    manifest = context.manifest
    rows = []
    for name, mask in manifest.masks.items():
        if mask.runs:
            inside = np.argwhere(mask.pixels())
            (top, left), (bottom, right) = inside.min(axis=0), inside.max(axis=0) + 1
            box = (left, top, right - left, bottom - top)
            rows.append((name, "Disc", "", *box, FRAME, FRAME, ""))
            rows.append((name, "Other", "", 0, 0, 60, 60, FRAME, FRAME, ""))
    boxes = pd.DataFrame(rows, columns=list(BOX_COLUMNS))
    return dataclasses.replace(
        context, manifest=dataclasses.replace(manifest, boxes=boxes, masks={})
    )


def test_without_masks_the_boxes_of_the_class_are_the_mask(tmp_path: Path) -> None:
    context = boxed_cell(tmp_path)
    masks = TrueMasks(context, 32)
    every = np.arange(40)
    masks.require(every)
    true = cell(tmp_path).manifest.masks
    np.testing.assert_array_equal(masks.nonempty(every), every % 3 > 0)
    for row in every:
        inside = np.argwhere(true[f"i{row}"].pixels())
        found = masks.own(row)
        assert found.shape == (FRAME, FRAME)
        if len(inside):
            (top, left), (bottom, right) = inside.min(axis=0), inside.max(axis=0) + 1
            assert found[top:bottom, left:right].all()
            assert found.sum() == (bottom - top) * (right - left)
        else:
            assert not found.any()
    outcome = segment.run(context)
    assert outcome.predictions["truth_runs"].any()


def test_a_positive_without_a_box_and_an_unlabelled_image_are_unknown(tmp_path: Path) -> None:
    context = boxed_cell(tmp_path)
    boxes = context.manifest.boxes
    kept = boxes[boxes["image"] != "i31"]
    labels = context.manifest.labels.copy()
    labels.loc[33, "Disc"] = np.nan
    for manifest, name in (
        (dataclasses.replace(context.manifest, boxes=kept), "i31"),
        (dataclasses.replace(context.manifest, labels=labels), "i33"),
    ):
        rows = dataclasses.replace(context.rows, labels=manifest.labels)
        changed = dataclasses.replace(context, manifest=manifest, rows=rows)
        with pytest.raises(BadDataError, match=name):
            TrueMasks(changed, 32).require(np.arange(40))


def test_squares_are_kept_and_equal(tmp_path: Path) -> None:
    masks = TrueMasks(cell(tmp_path), 20)
    rows = np.array([1, 2, 1, 0])
    first, second = masks.squares(rows), masks.squares(rows)
    assert first.shape == (4, 1, 20, 20) and torch.equal(first, second)
    assert torch.equal(first[0], first[2]) and not first[3].any() and first[0].any()
    fresh = TrueMasks(cell(tmp_path), 20)
    assert torch.equal(fresh.squares(rows[::-1].copy()).flip(0), first)


def test_image_and_mask_are_augmented_together(tmp_path: Path) -> None:
    """Without noise an image is its own mask, so any common motion keeps them equal."""
    from benchmark.training.augment import flip_and_affine

    mask = torch.from_numpy(blob(64, 64))[None, None].float().repeat(8, 1, 1, 1)
    both = flip_and_affine(
        torch.cat([mask, mask], dim=1),
        torch.Generator().manual_seed(1),
        rotation_degrees=15,
        scale=(0.8, 1.2),
    )
    assert torch.equal(both[:, 0], both[:, 1])
    assert len({tuple(one.sum(dim=0).tolist()) for one in both[:, 1]}) > 4
    recipe = RECIPE.replaced({"rotation_degrees": 15.0, "scale": (0.8, 1.2)})
    assert segment.run(cell(tmp_path, recipe)).predictions["truth_runs"].any()
