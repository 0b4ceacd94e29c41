"""From patch similarities to heat maps, and from boxes to masks.

The chain is MaCo's (official code, phrase grounding): patch weights softmax(w / tau) times the dot
products, Gaussian smoothing on the patch grid, bilinear enlargement, min-max to [-1, 1]. Smoothing
and enlargement are linear and separable, so both are one small matrix per axis.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter1d

from benchmark.errors import BadDataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmark.interfaces import SentinelSamples

REFERENCE_GRID = 14
CONSTANT_BELOW = 1e-6
"""A map whose range is below this share of its largest value carries no information: float32."""


def softmax_weights(weights: np.ndarray, temperature: float) -> np.ndarray:
    """softmax(w / tau) over the patches, (N,), float64."""
    scaled = np.asarray(weights, dtype=np.float64) / temperature
    exponentials = np.exp(scaled - scaled.max())
    return np.asarray(exponentials / exponentials.sum())


def smoothing_matrix(cells: int, sigma_at_14: float) -> np.ndarray:
    """Gaussian smoothing along one axis, (cells, cells).

    Equal to `scipy.ndimage.gaussian_filter` with its defaults: border `reflect`, cut at 4 sigma.
    Sigma is `sigma_at_14` cells at a grid of 14 and grows with the grid, so that the smoothed share
    of the image stays the same.
    """
    sigma = sigma_at_14 * cells / REFERENCE_GRID
    identity = np.eye(cells)
    if sigma <= 0:
        return identity
    return np.asarray(gaussian_filter1d(identity, sigma, axis=0, mode="reflect"))


def bilinear_matrix(cells: int, pixels: int) -> np.ndarray:
    """Bilinear enlargement along one axis, (pixels, cells); torch's with align_corners off."""
    centre = np.clip((np.arange(pixels) + 0.5) * cells / pixels - 0.5, 0, cells - 1)
    left = np.minimum(np.floor(centre).astype(int), cells - 1)
    right = np.minimum(left + 1, cells - 1)
    share = centre - left
    matrix = np.zeros((pixels, cells))
    rows = np.arange(pixels)
    np.add.at(matrix, (rows, left), 1 - share)
    np.add.at(matrix, (rows, right), share)
    return matrix


@lru_cache(maxsize=32)
def _enlarging(cells: int, pixels: int, sigma_at_14: float) -> np.ndarray:
    both = bilinear_matrix(cells, pixels) @ smoothing_matrix(cells, sigma_at_14)
    return np.asarray(both, dtype=np.float32)


def heat_maps(
    maps: np.ndarray, grid: tuple[int, int], frame: int, sigma_at_14: float
) -> np.ndarray:
    """Smooth, enlarge and rescale.

    Args:
        maps: (n, N) values per patch, row-major.
        grid: Rows and columns of the patch grid, N = rows x columns.
        frame: Side of the square frame in pixels.
        sigma_at_14: Smoothing in cells of a 14 x 14 grid.

    Returns:
        (n, frame, frame) float32 in [-1, 1]; a constant map becomes zeros.
    """
    rows, columns = grid
    if maps.shape[1] != rows * columns:
        raise BadDataError(
            f"{maps.shape[1]} patch values do not fill a grid of {rows} x {columns}."
        )
    values = np.asarray(maps, dtype=np.float64)
    low = values.min(axis=1, keepdims=True)
    spread = values.max(axis=1, keepdims=True) - low
    largest = np.abs(values).max(axis=1, keepdims=True)
    constant = (spread <= CONSTANT_BELOW * largest)[:, 0]
    unit = (values - low) / np.where(spread > 0, spread, 1.0)
    cells = unit.astype(np.float32).reshape(-1, rows, columns)
    tall = _enlarging(rows, frame, sigma_at_14)
    wide = _enlarging(columns, frame, sigma_at_14)
    heat = rescale(tall @ cells @ wide.T)
    heat[constant] = 0.0
    return heat


def rescale(heat: np.ndarray) -> np.ndarray:
    """Min-max of each map (n, height, width) to [-1, 1]; a constant map becomes zeros."""
    flat = np.asarray(heat, dtype=np.float32).reshape(len(heat), -1)
    low = flat.min(axis=1, keepdims=True)
    spread = flat.max(axis=1, keepdims=True) - low
    constant = spread <= CONSTANT_BELOW * np.maximum(np.abs(low), np.abs(low + spread))
    scaled = (flat - low) * (2 / np.where(constant, 1.0, spread)) - 1
    scaled[constant[:, 0]] = 0.0
    return np.asarray(scaled.reshape(heat.shape))


def box_counts(boxes: np.ndarray, box_pair: np.ndarray, pairs: int, frame: int) -> np.ndarray:
    """How many boxes of its pair cover each pixel, (pairs, frame, frame) uint8.

    x, y, width and height are floored separately, as in the official code; a box keeps at least
    one pixel, and what lies outside the frame is cut off.

    Args:
        boxes: (m, 4) x, y, width, height in pixels of the frame.
        box_pair: (m,) index of the pair that a box belongs to.
        pairs: Number of pairs.
        frame: Side of the frame in pixels.
    """
    counts = np.zeros((pairs, frame, frame), dtype=np.uint8)
    corners = np.floor(np.asarray(boxes, dtype=np.float64).reshape(-1, 4) + 1e-6).astype(int)
    for (x, y, width, height), pair in zip(corners, box_pair, strict=True):
        right, bottom = x + max(1, width), y + max(1, height)
        counts[pair, max(0, y) : max(0, bottom), max(0, x) : max(0, right)] += 1
    return counts


def box_coverage(
    boxes: np.ndarray, box_pair: np.ndarray, pairs: int, grid: tuple[int, int], frame: int
) -> np.ndarray:
    """Share of each grid cell that the union of a pair's boxes covers, (pairs, N) float32."""
    tall, wide = _area_matrix(grid[0], frame), _area_matrix(grid[1], frame)
    coverage = np.zeros((pairs, grid[0] * grid[1]), dtype=np.float32)
    for chosen, counts in _counts_in_pieces(boxes, box_pair, pairs, frame):
        cells = tall @ (counts > 0) @ wide.T
        coverage[chosen] = cells.reshape(len(counts), -1)
    return coverage


def reference_coverage(samples: SentinelSamples) -> np.ndarray:
    """Box coverage of every pair of the split that a prior may be learned from, (m, N)."""
    reference = samples.reference
    absent = [name for name in ("boxes", "box_pair", "category") if name not in reference]
    if absent or len(reference["category"]) == 0:
        raise BadDataError(
            "A prior needs the boxes of a reference split apart from the test; there are none.",
            looked_in=["SentinelSamples.reference"],
        )
    pairs = len(reference["category"])
    return box_coverage(
        reference["boxes"], reference["box_pair"], pairs, samples.grid, samples.frame
    )


def _counts_in_pieces(
    boxes: np.ndarray, box_pair: np.ndarray, pairs: int, frame: int, step: int = 64
) -> Iterator[tuple[slice, np.ndarray]]:
    boxes, owner = np.asarray(boxes).reshape(-1, 4), np.asarray(box_pair)
    for start in range(0, pairs, step):
        stop = min(start + step, pairs)
        here = (owner >= start) & (owner < stop)
        yield slice(start, stop), box_counts(boxes[here], owner[here] - start, stop - start, frame)


def _area_matrix(cells: int, pixels: int) -> np.ndarray:
    """Mean over the pixels of each cell along one axis, (cells, pixels); rows sum to 1."""
    edges = np.linspace(0, pixels, cells + 1)
    starts = np.arange(pixels)
    overlap = np.minimum(edges[1:, None], starts + 1) - np.maximum(edges[:-1, None], starts)
    return np.asarray(np.clip(overlap, 0, None) * cells / pixels)
