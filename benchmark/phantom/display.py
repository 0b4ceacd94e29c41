"""From density to a picture: scatter, detector, processing, collimation, markers, devices."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from benchmark.phantom.texture import blurred, draw_segments, value_noise
from benchmark.seeds import generator_from

if TYPE_CHECKING:
    from benchmark.phantom.scene import Field, Scene
    from benchmark.phantom.truth import View


def develop(density: Field, scene: Scene, view: View) -> Field:
    """The picture in [0, 1], bright = dense.

    Processing differs by view at random: how far wide brightness differences are evened out,
    window, gamma, shading of the field. None of it depends on the findings.
    """
    random = generator_from("detector", view.seed)
    wide = blurred(density, 0.11)
    evened = float(random.uniform(0.10, 0.55))
    picture = density - np.float32(evened) * (wide - np.float32(14.0))
    shade = value_noise(random, 2, scene.size)
    picture += np.float32(0.75) * shade
    across = float(random.normal(0, 0.045)) * scene.x + float(random.normal(0, 0.045)) * (
        scene.y - np.float32(10)
    )
    picture += across.astype(np.float32)
    scatter = float(random.uniform(0.0, 0.45))
    picture += np.float32(scatter) * (blurred(picture, 0.012) - picture)
    middle = 13.0 + 1.6 * view.exposure + float(random.normal(0, 0.5))
    contrast = float(random.uniform(2.9, 4.4)) * (1 - 0.45 * evened)
    signal = 1 / (1 + np.exp((np.float32(middle) - picture) * np.float32(1 / contrast)))
    signal = signal ** np.float32(random.uniform(0.8, 1.3))
    signal += _grain(random, scene, view) * (np.float32(0.4) + signal)
    signal = _marked(signal, scene, view)
    return np.clip(_collimated(signal, scene, random), 0, 1).astype(np.float32)


def _grain(random: np.random.Generator, scene: Scene, view: View) -> Field:
    """Quantum noise: the same dose per area at every size, so finer pixels are noisier."""
    amplitude = (0.005 + 0.013 * view.noise) * min(1.6, (scene.size / 224) ** 0.5)
    white = random.standard_normal((scene.size, scene.size), dtype=np.float32)
    return white * np.float32(amplitude)


def _collimated(signal: Field, scene: Scene, random: np.random.Generator) -> Field:
    """Black borders outside the exposed field, at none to three sides."""
    margins = np.where(random.random(4) < 0.22, random.uniform(0.01, 0.07, 4), -0.01)
    place = (np.arange(scene.size, dtype=np.float32) + 0.5) / scene.size
    across = (place > margins[0]) & (place < 1 - margins[1])
    down = (place > margins[2]) & (place < 1 - margins[3])
    open_field = down[:, None] & across[None, :]
    return np.where(open_field, signal, np.float32(random.uniform(0.0, 0.08)))


_LETTERS = {
    "L": ((0, 0, 0, 1), (0, 1, 0.6, 1)),
    "R": ((0, 0, 0, 1), (0, 0, 0.6, 0), (0.6, 0, 0.6, 0.5), (0, 0.5, 0.6, 0.5), (0.2, 0.5, 0.6, 1)),
}


def _marked(signal: Field, scene: Scene, view: View) -> Field:
    """The side marker and the devices, as metal over the picture."""
    random = generator_from("marker", view.seed)
    segments: list[tuple[float, ...]] = []
    if view.marker:
        x = (
            float(random.uniform(0.04, 0.10))
            if view.marker == "R"
            else float(random.uniform(0.88, 0.93))
        )
        y, height = float(random.uniform(0.04, 0.16)), float(random.uniform(0.035, 0.055))
        for x0, y0, x1, y1 in _LETTERS[view.marker]:
            corners = [(x + height * x0, y + height * y0), (x + height * x1, y + height * y1)]
            (a, b), (c, d) = corners
            size = scene.size
            segments.append((a * size, b * size, c * size, d * size, 0.012 * size, 1.0))
    for name in view.devices:
        segments += _device(name, scene, random)
    if not segments:
        return signal
    metal = draw_segments(np.array(segments), scene.size)
    result: Field = signal + metal * (np.float32(1.0) - signal) * np.float32(0.85)
    return result


def _device(name: str, scene: Scene, random: np.random.Generator) -> list[tuple[float, ...]]:
    """Centre lines of one device in pixels."""
    height, wide = scene.anatomy.height, scene.anatomy.half_width
    jitter = random.normal(0, 0.5, 8)
    carina = 0.43 * height
    paths: list[tuple[list[tuple[float, float]], float, float]] = []
    if name == "endotracheal_tube":
        paths = [([(0.2, -9), (0.1, 0), (-0.2, carina - 3 + jitter[0])], 0.28, 0.6)]
    elif name == "enteric_tube":
        down = [(0.4, -9), (0.6, 5), (0.9 + jitter[0] * 0.5, 14), (2.0, height), (5.0, height + 6)]
        paths = [(down, 0.22, 0.55)]
    elif name == "central_line":
        side = -1 if random.random() < 0.7 else 1
        route = [(side * 6.5, -3), (side * 4.0, 2.5), (-2.0, 5.5), (-2.3, 10 + jitter[1])]
        paths = [(route, 0.20, 0.6)]
    elif name == "port":
        paths = [
            ([(-7, 4), (-6.4, 4.5)], 1.8, 0.7),
            ([(-6.5, 3.5), (-3, 1.5), (-2.2, 9)], 0.18, 0.6),
        ]
    elif name == "pacemaker":
        lead = [
            (8, 2.8),
            (4, 2.2),
            (-1.6, 6),
            (-2, 0.72 * height),
            (2.5 + jitter[2], 0.88 * height),
        ]
        paths = [([(7.6, 3.4), (9.0, 3.9)], 3.0, 1.0), (lead, 0.18, 0.9)]
    elif name == "sternotomy_wires":
        for level in np.linspace(0.25, 0.8, 5) * height:
            tilt = float(random.normal(0, 0.2))
            paths.append(([(-0.7, level), (0, level + 0.35 + tilt), (0.7, level)], 0.16, 0.9))
    elif name == "ecg_leads":
        for sign, level in ((-1, 0.12), (1, 0.12), (1, 0.85), (-1, 0.75)):
            x = sign * wide * (0.7 + 0.06 * jitter[3])
            y = level * height + float(random.normal(0, 1.0))
            paths.append(([(x - 0.25, y), (x + 0.25, y)], 0.9, 0.85))
            paths.append(
                ([(x, y), (x * 0.8, y + 6), (sign * 2 + jitter[4], height + 12)], 0.12, 0.5)
            )
    return _in_pixels(paths, scene)


def _in_pixels(
    paths: list[tuple[list[tuple[float, float]], float, float]], scene: Scene
) -> list[tuple[float, ...]]:
    segments: list[tuple[float, ...]] = []
    for points, width, value in paths:
        flat = [(0.2 * x, y) if scene.anatomy.lateral else (x, y) for x, y in points]
        pixels = scene.to_pixels(np.array(flat, dtype=np.float64))
        for start, end in pairwise(pixels):
            segments.append((*start, *end, width / scene.pixel, value))
    return segments
