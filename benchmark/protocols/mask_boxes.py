"""Masks as truth of a grounding task: moved into the frame, and stored as boxes.

A mask becomes the rectangles that tile it exactly, so that whatever reads boxes (metrics,
sentinels, stored predictions) reads masks too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmark.data.geometry import to_square

if TYPE_CHECKING:
    from benchmark.recipes import Geometry

INSIDE = 255
HALF = 128


def mask_in_frame(mask: np.ndarray, size: int, geometry: Geometry) -> np.ndarray:
    """A mask (height, width), moved as its image is.

    A pixel of the frame is inside where at least half of it is covered. Where that leaves nothing
    (a rim thinner than a pixel), those that are covered most are inside, so that no known mask
    vanishes; only one that the geometry cuts off whole does.

    Returns:
        Booleans (size, size).
    """
    covered = to_square(np.where(mask, np.uint8(INSIDE), np.uint8(0)), size, geometry)
    limit = min(HALF, int(covered.max()))
    return np.asarray(covered >= limit if limit else np.zeros(covered.shape, dtype=bool))


def tiling_boxes(mask: np.ndarray) -> np.ndarray:
    """Rectangles (m, 4) xywh, whole numbers, that cover a mask exactly and do not overlap.

    Every run of a column is a rectangle one pixel wide; runs of neighbouring columns with the same
    top and bottom are joined. Ordered by column, then by row.
    """
    inside = np.asarray(mask, dtype=bool)
    finished: list[tuple[int, int, int, int]] = []
    open_at: dict[tuple[int, int], int] = {}
    for column in range(inside.shape[1] + 1):
        runs = _runs(inside[:, column]) if column < inside.shape[1] else set()
        for top, bottom in set(open_at) - runs:
            left = open_at.pop((top, bottom))
            finished.append((left, top, column - left, bottom - top))
        for run in runs:
            open_at.setdefault(run, column)
    return np.array(sorted(finished), dtype=np.float64).reshape(-1, 4)


def _runs(line: np.ndarray) -> set[tuple[int, int]]:
    """First pixel and last + 1 of every run of True in (n,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], line, [False]]).astype(np.int8)))
    return {(int(first), int(last)) for first, last in zip(edges[::2], edges[1::2], strict=True)}
