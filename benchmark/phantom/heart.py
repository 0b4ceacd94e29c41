"""Heart and mediastinum: where they take the place of lung."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmark.phantom.scene import edge

if TYPE_CHECKING:
    from benchmark.phantom.scene import Field, Mask, Scene


@dataclass(frozen=True)
class Centre:
    """Relative thickness, 0 to 1, of heart and of mediastinum, and the heart's silhouette."""

    heart: Field
    mediastinum: Field
    silhouette: Mask


def draw_centre(scene: Scene) -> Centre:
    """Heart and mediastinum of a frontal or lateral scene."""
    return _lateral(scene) if scene.anatomy.lateral else _frontal(scene)


def _ellipse(scene: Scene, x: float, y: float, rx: float, ry: float, tilt: float) -> Field:
    """1 - r^2 of a tilted ellipse: positive inside."""
    cosine, sine = np.float32(np.cos(tilt)), np.float32(np.sin(tilt))
    dx, dy = scene.x - np.float32(x), scene.y - np.float32(y)
    u = (cosine * dx + sine * dy) * np.float32(1 / rx)
    v = (cosine * dy - sine * dx) * np.float32(1 / ry)
    return 1 - u * u - v * v


def _joined(one: Field, other: Field) -> Field:
    """Union of two shapes with the notch between them filled smoothly."""
    share = np.clip(0.5 + (one - other) * np.float32(0.8), 0, 1)
    result: Field = other + (one - other) * share + np.float32(0.6) * share * (1 - share)
    return result


def _frontal(scene: Scene) -> Centre:
    anatomy = scene.anatomy
    width, base = anatomy.heart_width, min(anatomy.domes) + 1.2
    shift = anatomy.heart_shift
    height = 0.5 * (anatomy.height * 0.47) + 0.18 * width
    apex = shift + 0.63 * width
    ventricle = _ellipse(
        scene, apex - 0.47 * width, base - 0.55 * height, 0.52 * width, height * 0.72, 0.62
    )
    atrium = _ellipse(
        scene, shift - 0.06 * width, base - 0.72 * height, 0.31 * width, height * 0.80, 0.0
    )
    trunk = _ellipse(scene, shift + 1.3, base - 1.40 * height, 3.0, height * 0.85, -0.22)
    outline = _joined(_joined(ventricle, atrium), trunk)
    heart = np.clip(outline, 0, 1) ** np.float32(0.30)
    silhouette = (np.maximum(ventricle, atrium) > 0) & (scene.y < scene.floor)

    knob = _ellipse(scene, shift + 2.1, 0.31 * anatomy.height, 2.0, 1.9, 0.0)
    upper = np.float32(anatomy.mediastinum)
    axis = scene.x - np.float32(0.5 * shift)
    wide = upper + np.float32(0.9) * edge(scene.y - np.float32(0.40 * anatomy.height), 6.0)
    band = edge(wide - np.abs(axis), 1.1)
    mediastinum = np.maximum(band, np.clip(knob, 0, 1) ** np.float32(0.4))
    return Centre(heart, mediastinum, silhouette)


def _lateral(scene: Scene) -> Centre:
    anatomy = scene.anatomy
    base, width = anatomy.height + 0.6, anatomy.heart_width
    front = -0.40 * anatomy.half_width
    ventricle = _ellipse(scene, front, base - 0.30 * width, 0.50 * width, 0.40 * width, 0.75)
    arch = _ellipse(scene, 0.5, 0.36 * anatomy.height, 3.0, 3.4, 0.2)
    heart = np.clip(ventricle, 0, 1) ** np.float32(0.55)
    upper = 0.45 * np.clip(arch, 0, 1) ** np.float32(0.5)
    column = edge(2.0 - np.abs(scene.x - 0.6), 2.0) * edge(0.5 * anatomy.height - scene.y, 6.0)
    silhouette = (ventricle > 0) & (scene.y < scene.floor)
    return Centre(0.7 * heart, np.maximum(upper, 0.35 * column), silhouette)
