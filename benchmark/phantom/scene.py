"""A view under construction: pixel grids in body coordinates, lungs, and maps to add to.

Everything is a water-equivalent thickness in cm along the beam, so that shadows add up as they do
in a radiograph.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmark.phantom.anatomy import Anatomy
    from benchmark.phantom.truth import Finding

    Field = NDArray[Any]
    Mask = NDArray[Any]

_LOW, _HIGH, _STEPS = -40.0, 60.0, 5001
PLACES = np.linspace(_LOW, _HIGH, _STEPS, dtype=np.float32)
"""Coordinates in cm at which functions of one coordinate are tabulated."""


@dataclass
class Scene:
    """Grids and maps of one view, all (size, size) float32.

    Attributes:
        x, y: Body coordinates of the pixel centres in cm.
        wall: Half width of the lung at each pixel's height; negative above the apex.
        floor: Height y of the diaphragm at each pixel's x.
        lung: Thickness of lung along the beam in cm, heart and mediastinum not yet taken away.
        inside: Where there is lung above the diaphragm, 0 to 1.
        shadow: Density that lesions add, in cm of water; negative where they are lucent.
        vessel_gain: Multiplies the vessel map.
        pixel: Side of a pixel in cm.
    """

    anatomy: Anatomy
    size: int
    pixel: float
    x: Field
    y: Field
    wall: Field
    floor: Field
    lung: Field
    inside: Field
    shadow: Field
    vessel_gain: Field
    wall_table: Field
    floor_table: Field

    def sides(self, finding: Finding) -> tuple[int, ...]:
        """Signs of x of the lungs that a finding affects: +1 = the patient's left.

        The sides lie over each other in a lateral view; a finding is then in front or behind.
        """
        if self.anatomy.lateral:
            return (1,) if finding.seed % 3 else (-1,)
        return {"left": (1,), "right": (-1,)}.get(finding.side, (-1, 1))

    def half(self, sign: int) -> Mask:
        """Pixels of one side of the body."""
        return self.x > 0 if sign > 0 else self.x <= 0

    def to_pixels(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Picture coordinates (column, row) of body points, both (..., 2)."""
        cosine, sine = np.cos(self.anatomy.angle), np.sin(self.anatomy.angle)
        turn = np.array([[cosine, sine], [-sine, cosine]])
        result: NDArray[np.float64] = (
            points - np.asarray(self.anatomy.centre)
        ) @ turn / self.pixel + self.size / 2
        return result

    def segments(self, twigs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Lines (n, 5) in cm, as x0, y0, x1, y1 and width, in pixels."""
        return np.column_stack(
            [self.to_pixels(twigs[:, :2]), self.to_pixels(twigs[:, 2:4]), twigs[:, 4] / self.pixel]
        )

    def wall_at(self, y: float) -> float:
        """Half width of the lung at a height."""
        return float(self.wall_table[int(_steps(np.float32(y)))])

    def floor_at(self, x: float) -> float:
        """Height of the diaphragm at an x."""
        return float(self.floor_table[int(_steps(np.float32(x)))])

    def wall_of_lower_lung(self, fall: Field | float) -> Field:
        """Half width, at each pixel, of a lung whose apex hangs `fall` cm lower."""
        return self.wall_table[_steps(self.y - np.float32(fall))]


def build_scene(anatomy: Anatomy, size: int) -> Scene:
    """Grids, lung outlines and empty maps of one view.

    Args:
        anatomy: After `with_findings`.
        size: Side of the picture in pixels.
    """
    pixel = anatomy.field / size
    offsets = (np.arange(size, dtype=np.float32) + 0.5 - size / 2) * np.float32(pixel)
    cosine, sine = np.float32(np.cos(anatomy.angle)), np.float32(np.sin(anatomy.angle))
    across, down = offsets[None, :], offsets[:, None]
    x = cosine * across + sine * down + np.float32(anatomy.centre[0])
    y = cosine * down - sine * across + np.float32(anatomy.centre[1])
    wall_table, inner_table, depth_table = _lung_tables(anatomy)
    floor_table = _floor_table(anatomy)
    rows = _steps(y)
    wall, floor = wall_table[rows], floor_table[_steps(x)]
    lung, inside = _lung_maps(anatomy, np.abs(x), y, wall, inner_table[rows], floor, pixel)
    lung *= depth_table[rows]
    return Scene(
        anatomy=anatomy,
        size=size,
        pixel=pixel,
        x=x,
        y=y,
        wall=wall,
        floor=floor,
        lung=lung,
        inside=inside,
        shadow=np.zeros((size, size), np.float32),
        vessel_gain=np.ones((size, size), np.float32),
        wall_table=wall_table,
        floor_table=floor_table,
    )


def edge(distance: Field, width: float) -> Field:
    """A soft step: 0 below -width / 2, 1 above width / 2."""
    result: Field = np.clip(distance * np.float32(1 / width) + np.float32(0.5), 0, 1)
    return result


def along(function_table: Field, coordinate: Field) -> Field:
    """A tabulated function at the given coordinates in cm."""
    return function_table[_steps(coordinate)]


def _steps(coordinate: Field | np.float32) -> NDArray[np.intp]:
    step = np.float32((_STEPS - 1) / (_HIGH - _LOW))
    index = (np.asarray(coordinate) - np.float32(_LOW)) * step + np.float32(0.5)
    result: NDArray[np.intp] = np.clip(index, 0, _STEPS - 1).astype(np.intp)
    return result


def _arch(fraction: Field) -> Field:
    """A quarter of an ellipse: 0 at 0, 1 from 1 on."""
    rest = 1 - np.clip(fraction, 0, 1)
    result: Field = np.sqrt(1 - rest * rest)
    return result


def _lung_tables(anatomy: Anatomy) -> tuple[Field, Field, Field]:
    """Lateral wall, medial border and depth of the lung by height y."""
    share = PLACES / np.float32(anatomy.height)
    width = np.float32(anatomy.half_width)
    apex = np.float32(0.12 if anatomy.lateral else 0.36) * width
    wall = apex + (width - apex) * _arch(share / 0.72) ** np.float32(1.1)
    wall = np.where(share > 0, wall, -1).astype(np.float32)
    inner = apex - (apex - np.float32(1.0)) * _arch(share / 0.13)
    inner = np.where(share > 0, inner, 99).astype(np.float32)
    depth = np.float32(14.5 * anatomy.depth) * (0.25 + 0.75 * _arch(share / 0.6))
    return wall, inner, depth.astype(np.float32)


def _floor_table(anatomy: Anatomy) -> Field:
    width, arch = np.float32(anatomy.half_width), np.float32(anatomy.dome_arch)
    if anatomy.lateral:
        offset = (PLACES + 0.25 * width) / (1.25 * width)
        slope = np.where(offset > 0, 1.35 * arch * offset**2, 0.9 * arch * offset**2)
        return (np.float32(min(anatomy.domes)) + slope).astype(np.float32)
    top = np.where(PLACES > 0, np.float32(anatomy.domes[1]), np.float32(anatomy.domes[0]))
    offset = (np.abs(PLACES) - 0.42 * width) / (0.58 * width)
    slope = np.where(offset > 0, arch * np.abs(offset) ** 2.3, 0.55 * arch * offset**2)
    return (top + slope).astype(np.float32)


def _lung_maps(
    anatomy: Anatomy, off: Field, y: Field, wall: Field, inner: Field, floor: Field, pixel: float
) -> tuple[Field, Field]:
    """Relative thickness of lung and its coverage; `off` is the distance from the midline."""
    middle = np.float32((0.0 if anatomy.lateral else 0.34) * anatomy.half_width)
    reach = np.maximum(wall - middle, np.float32(0.1))
    lateral = np.clip((off - middle) / reach, 0, 1)
    profile = np.sqrt(1 - lateral * lateral)
    soft = max(pixel, 0.25)
    inside = edge(wall - off, soft)
    if not anatomy.lateral:
        inside *= edge(off - inner, 1.2)
    above = edge(floor - y, soft)
    recess = np.float32(0.16) * np.exp(np.minimum(floor - y, 0) * np.float32(0.45))
    relative = profile * inside * np.maximum(above, recess)
    return relative, inside * above
