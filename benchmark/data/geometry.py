"""How an image of any shape becomes the model's square, and its boxes with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import numpy as np
from PIL import Image

from benchmark.errors import unknown_name
from benchmark.recipes import Geometry


@dataclass(frozen=True)
class Placement:
    """Where the resized image lies: `left`, `top` are negative where it is cropped."""

    height: int
    width: int
    top: int
    left: int


def placement(height: int, width: int, size: int, geometry: Geometry) -> Placement:
    """The resized height and width and the offset in the square, all in pixels.

    `resize_crop`: short side to `size`, centre crop (torchvision's Resize + CenterCrop).
    `squash`: both sides to `size`. `pad_square`: long side to `size`, zero padding of
    floor((size - side) / 2) before (MaCo's and BioViL's grounding code).
    """
    if geometry == "squash":
        return Placement(size, size, 0, 0)
    if geometry == "resize_crop":
        short = min(height, width)
        new_h, new_w = (max(size, side * size // short) for side in (height, width))
        return Placement(new_h, new_w, -round((new_h - size) / 2), -round((new_w - size) / 2))
    if geometry == "pad_square":
        long = max(height, width)
        new_h, new_w = (max(1, round(side * size / long)) for side in (height, width))
        return Placement(new_h, new_w, (size - new_h) // 2, (size - new_w) // 2)
    raise unknown_name("geometry", str(geometry), get_args(Geometry))


def to_square(image: np.ndarray, size: int, geometry: Geometry) -> np.ndarray:
    """The image as the model sees it.

    Bicubic with antialiasing; `pad_square` shrinks by area, as MaCo's stored images.

    Args:
        image: uint8 (h, w).
        size: Side of the square in pixels.
        geometry: See `placement`.

    Returns:
        uint8 (size, size); the same array where nothing is to be done.
    """
    height, width = image.shape
    if (height, width) == (size, size):
        return image
    place = placement(height, width, size, geometry)
    by_area = geometry == "pad_square" and place.height <= height and place.width <= width
    method = Image.Resampling.BOX if by_area else Image.Resampling.BICUBIC
    resized = image
    if (place.height, place.width) != (height, width):
        picture = Image.fromarray(np.ascontiguousarray(image))
        resized = np.asarray(picture.resize((place.width, place.height), method))
    if place.height >= size and place.width >= size:
        return resized[-place.top :, -place.left :][:size, :size]
    square = np.zeros((size, size), dtype=np.uint8)
    rows, columns = (
        slice(place.top, place.top + place.height),
        slice(place.left, place.left + place.width),
    )
    square[rows, columns] = resized
    return square


def boxes_to_square(
    boxes_xywh: np.ndarray, height: int, width: int, size: int, geometry: Geometry
) -> np.ndarray:
    """Boxes moved with `to_square`.

    Args:
        boxes_xywh: (n, 4) top-left corner and size in pixels of the (height, width) frame.
        height: Of the frame that the boxes are given in; the image may be stored smaller.
        width: Likewise.
        size: Side of the square.
        geometry: See `placement`.

    Returns:
        float64 (n, 4) xywh in the square, cut at its border; no area where a box is cropped
        away.
    """
    boxes = np.asarray(boxes_xywh, dtype=np.float64).reshape(-1, 4)
    place = placement(height, width, size, geometry)
    scale = np.array([place.width / width, place.height / height])
    offset = np.array([place.left, place.top])
    start = np.clip(boxes[:, :2] * scale + offset, 0, size)
    end = np.clip((boxes[:, :2] + boxes[:, 2:]) * scale + offset, 0, size)
    return np.concatenate([start, end - start], axis=1)
