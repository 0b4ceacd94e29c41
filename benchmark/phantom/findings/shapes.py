"""What the painters share: places in a lung, round and ragged shapes, local noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmark.phantom.texture import draw_segments, value_noise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmark.phantom.scene import Field, Scene

ZONE_HEIGHTS = {
    "apical": (0.05, 0.22),
    "upper": (0.14, 0.36),
    "mid": (0.40, 0.60),
    "central": (0.40, 0.60),
    "diffuse": (0.2, 0.8),
    "lower": (0.66, 0.92),
    "basal": (0.74, 0.96),
}
"""Height of a zone as parts of the way from apex to dome."""


def place(
    scene: Scene, sign: int, zone: str, radius: float, random: np.random.Generator
) -> tuple[float, float]:
    """A centre (x, y) in cm within a zone of one lung, mostly clear of its wall."""
    low, high = ZONE_HEIGHTS[zone]
    top = scene.anatomy.domes[1 if sign > 0 else 0]
    y = top * float(random.uniform(low, high))
    outer = max(scene.wall_at(y) - 0.55 * radius, 0.5 * scene.wall_at(y))
    inner = min(3.6 + 0.25 * radius, 0.6 * outer)
    if scene.anatomy.lateral:
        inner = 0.1 * outer
    return sign * float(random.uniform(inner, outer)), y


def disc(scene: Scene, x: float, y: float, rx: float, ry: float) -> Field:
    """1 - r^2 of an ellipse: positive inside."""
    dx = (scene.x - np.float32(x)) * np.float32(1 / rx)
    dy = (scene.y - np.float32(y)) * np.float32(1 / ry)
    return 1 - dx * dx - dy * dy


def noise_in_cm(scene: Scene, random: np.random.Generator, grain: float) -> Field:
    """Noise whose grain has about the given size in cm."""
    cells = int(np.clip(round(scene.anatomy.field / grain), 3, 160))
    return value_noise(random, cells, scene.size)


def ragged(
    scene: Scene,
    random: np.random.Generator,
    centre: tuple[float, float],
    radii: tuple[float, float],
    roughness: float,
) -> Field:
    """1 - r^2 of an ellipse whose border wanders: positive inside."""
    body = disc(scene, *centre, *radii)
    grain = 0.55 * (radii[0] + radii[1])
    return body + np.float32(roughness) * noise_in_cm(scene, random, grain)


def rise(field: Field, width: float) -> Field:
    """A smooth rise from 0 at `field` = 0 to 1 at `field` = width."""
    t = np.clip(field * np.float32(1 / width), 0, 1)
    return t * t * (3 - 2 * t)


def air(scene: Scene) -> Field:
    """Density that filling all air along the beam would add."""
    return scene.lung * np.float32(scene.anatomy.air)


def lines(scene: Scene, twigs: NDArray[np.float64]) -> Field:
    """Straight lines given in cm as (n, 5): x0, y0, x1, y1, width; values in [0, 1]."""
    segments = np.column_stack([scene.segments(twigs), np.ones(len(twigs))])
    return draw_segments(segments, scene.size)
