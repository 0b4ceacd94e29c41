"""Noise fields and thin lines, independent of the resolution at which they are sampled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Field = NDArray[Any]
    Twigs = NDArray[np.float64]


def value_noise(random: np.random.Generator, cells: int, size: int) -> Field:
    """Smooth noise of zero mean and unit variance on its grid.

    Args:
        random: Draws the same field at every `size`.
        cells: Grid cells along one side of the picture; more cells, finer noise.
        size: Side of the result in pixels.
    """
    grid = random.standard_normal((cells + 2, cells + 2), dtype=np.float32)
    inside = (1.0, 1.0, cells + 1.0, cells + 1.0)
    image = Image.fromarray(grid).resize((size, size), Image.Resampling.BICUBIC, box=inside)
    return np.asarray(image)


def blurred(field: Field, fraction: float) -> Field:
    """Wide blur by going through a coarse grid.

    Args:
        field: (size, size).
        fraction: Width of the blur as a part of the picture's side.
    """
    size = field.shape[0]
    coarse = max(4, round(1.0 / fraction))
    image = Image.fromarray(np.ascontiguousarray(field, dtype=np.float32))
    small = image.resize((coarse, coarse), Image.Resampling.BILINEAR)
    return np.asarray(small.resize((size, size), Image.Resampling.BICUBIC))


def draw_segments(segments: NDArray[np.float64], size: int) -> Field:
    """Lines as values in [0, 1]; where they cross, the one drawn last wins.

    Args:
        segments: (n, 6): x0, y0, x1, y1 and width in pixels, value in [0, 1]. Lines thinner than
            a third of a pixel are drawn fainter instead.
        size: Side of the picture in pixels.
    """
    scale = 3 if size <= 512 else 2
    canvas = Image.new("L", (size * scale, size * scale))
    pen = ImageDraw.Draw(canvas)
    ends = (segments[:, :4] * scale).tolist()
    widths = segments[:, 4] * scale
    thick = np.maximum(np.round(widths), 1).astype(int).tolist()
    fills = np.round(255 * segments[:, 5] * np.minimum(widths, 1)).astype(int).tolist()
    for corners, fill, width in zip(ends, fills, thick):
        pen.line(corners, fill=fill, width=width)
    return np.asarray(canvas.reduce(scale), dtype=np.float32) / np.float32(255)


def branches(random: np.random.Generator, roots: NDArray[np.float64], depth: int) -> Twigs:
    """Trees of straight twigs.

    Args:
        random: Draws angles and lengths.
        roots: (n, 5): x, y, heading of the first twig in radians (0 = along x, growing clockwise,
            as y is down), its length and its width.
        depth: Forks between root and tips.

    Returns:
        (m, 5): x0, y0, x1, y1 and width, in the units of `roots`, roots first.
    """
    twigs = []
    for level in range(depth + 1):
        count = len(roots)
        heading = roots[:, 2] + random.normal(0, 0.22, count)
        step = roots[:, 3, None] * np.stack([np.cos(heading), np.sin(heading)], 1)
        ends = roots[:, :2] + step
        twigs.append(np.column_stack([roots[:, :2], ends, roots[:, 4]]))
        if level < depth:
            fork = random.uniform(0.12, 0.5, count)
            children = []
            for turn, share in ((fork, 0.62), (-0.6 * fork, 0.82)):
                reach = roots[:, 3] * random.uniform(0.68, 0.95, count)
                children.append(np.column_stack([ends, heading + turn, reach, roots[:, 4] * share]))
            roots = np.concatenate(children)
    return np.concatenate(twigs)
