"""Emphysema and fibrosis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmark.phantom.findings.shapes import ZONE_HEIGHTS, air, noise_in_cm, place, ragged, rise
from benchmark.phantom.scene import edge

if TYPE_CHECKING:
    from benchmark.phantom.heart import Centre
    from benchmark.phantom.scene import Mask, Scene
    from benchmark.phantom.truth import Finding


def emphysema(
    finding: Finding, scene: Scene, centre: Centre, strength: float, random: np.random.Generator
) -> Mask:
    """Lucent lungs with few vessels, thin-walled bullae, flat domes (see `anatomy`)."""
    anatomy = scene.anatomy
    region = scene.inside
    if finding.zone == "upper":
        region = region * edge(np.float32(0.55 * anatomy.height) - scene.y, 5.0)
    scene.vessel_gain *= 1 - np.float32(0.45 * strength) * region
    scene.shadow += np.float32(0.27 * strength) * region
    for _ in range(int(random.integers(6, 11))):
        radius = float(random.uniform(1.2, 2.6)) * (0.6 + 0.4 * strength)
        sign = 1 if random.random() < 0.5 else -1
        zone = "upper" if random.random() < 0.7 or finding.zone == "upper" else "lower"
        where = place(scene, sign, zone, radius, random)
        bulla = ragged(scene, random, where, (radius, radius), 0.12)
        rim = np.exp(-((bulla - 0.12) ** 2) * np.float32(26))
        hollow = rise(bulla, 0.2)
        scene.shadow += np.float32(strength) * (1.1 * rim - 0.7 * hollow) * scene.inside
        scene.vessel_gain *= 1 - hollow
    return region > 0.5


def fibrosis(
    finding: Finding, scene: Scene, centre: Centre, strength: float, random: np.random.Generator
) -> Mask:
    """A coarse net of lines at the wall of the bases or of the upper lungs."""
    anatomy = scene.anatomy
    low, high = ZONE_HEIGHTS[finding.zone]
    middle = 0.5 * (low + high) * anatomy.height
    tall = np.clip(
        1 - np.abs(scene.y - np.float32(middle)) / np.float32(0.55 * finding.size_cm), 0, 1
    )
    outer = np.clip((np.abs(scene.x) / np.maximum(scene.wall, 1) - np.float32(0.30)) * 2.2, 0, 1)
    extent = rise(tall * outer, 0.35)
    if finding.side != "bilateral" and not anatomy.lateral:
        extent = extent * scene.half(1 if finding.side == "left" else -1)
    coarse = np.abs(noise_in_cm(scene, random, 2.3))
    fine = np.abs(noise_in_cm(scene, random, 1.5))
    net = np.exp(-coarse * np.float32(5.5)) + np.float32(0.7) * np.exp(-fine * np.float32(5.5))
    scene.shadow += np.float32(strength) * extent * (net - np.float32(0.36)) * rise(air(scene), 2.0)
    return (extent > 0.35) & (scene.inside > 0.5)
