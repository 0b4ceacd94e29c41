"""Cardiomegaly and edema: of the heart as a whole and of both lungs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmark.phantom.findings.shapes import air, disc, lines, noise_in_cm, rise

if TYPE_CHECKING:
    from benchmark.phantom.heart import Centre
    from benchmark.phantom.scene import Mask, Scene
    from benchmark.phantom.truth import Finding


def cardiomegaly(
    finding: Finding, scene: Scene, centre: Centre, strength: float, random: np.random.Generator
) -> Mask:
    """The heart is drawn wider (see `benchmark.phantom.anatomy`); its silhouette is the mask.

    A large left atrium shows as a second contour within the heart.
    """
    anatomy = scene.anatomy
    x = float(random.normal(0.6, 0.5)) + anatomy.heart_shift
    if anatomy.lateral:
        x = 1.0
    y = min(anatomy.domes) - 0.36 * anatomy.heart_width + float(random.normal(0, 0.7))
    atrium = disc(scene, x, y, 0.25 * anatomy.heart_width, 0.20 * anatomy.heart_width)
    contour = np.exp(-((atrium - np.float32(0.1)) ** 2) * np.float32(32))
    # The contour is a line and no more: its mean is taken out of the area it encloses.
    contour -= np.float32(0.52) * rise(atrium + np.float32(0.2), 0.3)
    scene.shadow += np.float32(strength) * contour * (scene.y < scene.floor)
    return centre.silhouette.copy()


def edema(
    finding: Finding, scene: Scene, centre: Centre, strength: float, random: np.random.Generator
) -> Mask:
    """Haze around both hila, thick blurred vessels, Kerley B lines at the lower wall."""
    anatomy = scene.anatomy
    hilum = 0.50 * anatomy.height
    extent = np.zeros_like(scene.x)
    for sign in (-1, 1):
        x = 0.0 if anatomy.lateral else sign * 5.0
        wing = disc(scene, x, hilum, 0.23 * finding.size_cm, 0.33 * finding.size_cm)
        wing += np.float32(0.25) * noise_in_cm(scene, random, 3.0)
        extent = np.maximum(extent, rise(wing, 0.9))
    cotton = 0.16 * np.maximum(noise_in_cm(scene, random, 1.1), -0.7)
    scene.shadow += np.float32(strength) * extent * cotton.astype(np.float32) * air(scene)
    scene.vessel_gain *= 1 + np.float32(0.3 * strength) * extent
    # Thicker vessels without a brighter lung: detectors even out what is wide.
    scene.shadow -= np.float32(0.30 * strength) * extent
    scene.shadow += np.float32(1.4 * strength) * _kerley(scene, random) * scene.inside
    return (extent > 0.3) & (scene.inside > 0.5)


def _kerley(scene: Scene, random: np.random.Generator) -> np.ndarray:
    """Short level lines that end at the lateral wall."""
    twigs = []
    for sign in (-1, 1):
        for _ in range(9):
            y = float(random.uniform(0.62, 0.95)) * scene.anatomy.height
            x = sign * (scene.wall_at(y) - 0.1)
            length = float(random.uniform(1.5, 3.0))
            twigs.append((x, y, x - sign * length, y + float(random.normal(0, 0.15)), 0.28))
    return lines(scene, np.array(twigs))
