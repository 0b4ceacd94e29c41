"""Noise fields and thin lines, independent of the resolution at which they are sampled."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Field = NDArray[np.float32]

Segment = tuple[float, float, float, float, float, float]
"""x0, y0, x1, y1 in pixels, width in pixels, value in [0, 1]."""


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


def draw_segments(segments: Iterable[Segment], size: int) -> Field:
    """Lines with round-off below a third of a pixel, as values in [0, 1].

    Where lines cross, the one drawn last wins.
    """
    scale = 3 if size <= 512 else 2
    canvas = Image.new("L", (size * scale, size * scale))
    pen = ImageDraw.Draw(canvas)
    for x0, y0, x1, y1, width, value in segments:
        thick = max(1, round(width * scale))
        fade = min(1.0, width * scale)
        ends = (x0 * scale, y0 * scale, x1 * scale, y1 * scale)
        pen.line(ends, fill=round(255 * value * fade), width=thick)
    reduced = canvas.reduce(scale)
    return np.asarray(reduced, dtype=np.float32) / np.float32(255)


def branches(
    random: np.random.Generator,
    start: tuple[float, float],
    heading: float,
    length: float,
    width: float,
    depth: int,
) -> list[tuple[float, float, float, float, float]]:
    """A tree of straight twigs, as (x0, y0, x1, y1, width) in the units of `start`.

    Args:
        random: Draws angles and lengths.
        start: Root of the tree.
        heading: Angle of the first twig in radians, 0 = along x, growing clockwise (y is down).
        length: Of the first twig.
        width: Of the first twig; each fork makes it thinner.
        depth: Forks between root and tips.
    """
    twigs = []
    stack = [(start, heading, length, width, depth)]
    while stack:
        (x, y), angle, reach, thick, left = stack.pop()
        angle += float(random.normal(0, 0.22))
        end = (x + reach * float(np.cos(angle)), y + reach * float(np.sin(angle)))
        twigs.append((x, y, end[0], end[1], thick))
        if left > 0:
            fork = float(random.uniform(0.12, 0.5))
            for turn, share in ((fork, 0.62), (-0.6 * fork, 0.82)):
                reach_next = reach * float(random.uniform(0.68, 0.95))
                stack.append((end, angle + turn, reach_next, thick * share, left - 1))
    return twigs
