"""Geometry of boxes between the original image, the unit square and the input square."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmark.data.geometry import placement

if TYPE_CHECKING:
    from benchmark.recipes import Geometry


def square_to_frame(
    boxes_xyxy: np.ndarray, height: int, width: int, size: int, geometry: Geometry
) -> np.ndarray:
    """Boxes of the input square in pixels of the original image, cut at its border.

    The inverse of `benchmark.data.geometry.boxes_to_square`, up to what is cropped away.

    Args:
        boxes_xyxy: (n, 4) corners in the square.
        height: Of the original image.
        width: Likewise.
        size: Side of the square.
        geometry: How the image became the square.

    Returns:
        float64 (n, 4) x y w h; no area where a box lies on the padding alone.
    """
    corners = np.asarray(boxes_xyxy, dtype=np.float64).reshape(-1, 2, 2)
    place = placement(height, width, size, geometry)
    offset = np.array([place.left, place.top])
    scale = np.array([width / place.width, height / place.height])
    corners = np.clip((corners - offset) * scale, 0, [width, height])
    return np.concatenate([corners[:, 0], corners[:, 1] - corners[:, 0]], axis=1)


def to_unit(boxes_xywh: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Boxes as shares of their images' width and height, (n, 4) x y w h.

    Args:
        boxes_xywh: (n, 4) in pixels.
        frames: (n, 2) height and width of each box's image.
    """
    shares: np.ndarray = np.asarray(boxes_xywh, dtype=np.float64) / _sides(frames)
    return shares


def from_unit(boxes_xywh: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """The inverse of `to_unit`."""
    pixels: np.ndarray = np.asarray(boxes_xywh, dtype=np.float64) * _sides(frames)
    return pixels


def _sides(frames: np.ndarray) -> np.ndarray:
    sides: np.ndarray = np.asarray(frames, dtype=np.float64).reshape(-1, 2)[:, [1, 0, 1, 0]]
    return sides
