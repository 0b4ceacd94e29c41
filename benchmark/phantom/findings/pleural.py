"""Effusion, pneumothorax and pleural thickening: along the wall of the lung."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmark.phantom.findings.shapes import ZONE_HEIGHTS, air, noise_in_cm
from benchmark.phantom.scene import edge

if TYPE_CHECKING:
    from benchmark.phantom.heart import Centre
    from benchmark.phantom.scene import Mask, Scene
    from benchmark.phantom.truth import Finding


def effusion(
    finding: Finding, scene: Scene, centre: Centre, strength: float, random: np.random.Generator
) -> Mask:
    """Fluid at the base: a meniscus that climbs along the lateral wall."""
    anatomy = scene.anatomy
    mask = np.zeros((scene.size, scene.size), bool)
    off = np.abs(scene.x)
    for sign in scene.sides(finding):
        share = float(random.uniform(0.75, 1.25)) if finding.side == "bilateral" else 1.0
        climb = share * (0.55 * finding.size_cm * (0.45 + 0.55 * finding.severity) + 0.6)
        dome = anatomy.domes[1 if sign > 0 else 0]
        corner = dome + 0.80 * anatomy.dome_arch
        reach = 1.2 + 0.40 * climb
        wall = np.float32(anatomy.half_width)
        near = np.exp((off - wall) * np.float32(1 / reach))
        surface = np.float32(corner) - np.float32(climb * 0.45) - np.float32(climb) * near
        fluid = edge(scene.y - surface, 0.5) * scene.half(sign)
        covered = scene.inside * fluid
        depth = np.maximum(air(scene), np.float32(1.5))
        scene.shadow += np.float32(strength) * depth * covered
        scene.vessel_gain *= 1 - np.float32(0.9) * fluid
        mask |= covered > 0.5
    return mask


def pneumothorax(
    finding: Finding, scene: Scene, centre: Centre, strength: float, random: np.random.Generator
) -> Mask:
    """Air between wall and lung: a thin pleural line, no vessels beyond it."""
    (sign,) = scene.sides(finding)[:1]
    top = scene.anatomy.domes[1 if sign > 0 else 0]
    gap = 1.5 + 0.22 * finding.size_cm * (0.4 + 0.6 * finding.severity)
    extent = top * (0.35 + 0.5 * finding.size_cm / 16)
    fade = np.clip(1 - scene.y * np.float32(1 / extent), 0, 1) ** np.float32(0.7)
    retreat = np.float32(gap) * fade
    lung_wall = scene.wall_of_lower_lung(retreat * np.float32(0.9)) - np.float32(0.7) * retreat
    distance = np.abs(scene.x) - lung_wall
    side = scene.half(sign) * scene.inside
    free = edge(distance, max(scene.pixel, 0.15)) * (retreat > 0.05) * side
    line = np.exp(-((distance * np.float32(1 / 0.30)) ** 2)) * (fade > 0.03) * side
    scene.vessel_gain *= 1 - free
    scene.shadow += np.float32(strength) * line
    scene.shadow -= np.float32(0.35 * strength) * free
    mask: Mask = free > 0.5
    return mask


def thickening(
    finding: Finding, scene: Scene, centre: Centre, strength: float, random: np.random.Generator
) -> Mask:
    """A dense band along the wall: an apical cap, or lateral or basal plaques."""
    mask = np.zeros((scene.size, scene.size), bool)
    off = np.abs(scene.x)
    for sign in scene.sides(finding):
        top = scene.anatomy.domes[1 if sign > 0 else 0]
        band = 1.2 + 0.9 * finding.severity + 0.05 * finding.size_cm
        low, high = (part * top for part in ZONE_HEIGHTS[finding.zone])
        half = max(finding.size_cm * 0.5, 2.0)
        middle = 0.5 * (low + high)
        if finding.zone == "apical":
            half, middle = 0.5 * half + 0.5, 0.0
        window = edge(np.float32(half) - np.abs(scene.y - np.float32(middle)), 1.6)
        uneven = np.float32(0.35) * noise_in_cm(scene, random, 2.2)
        retreat = np.float32(band) * (1 + uneven) * window
        fall = retreat * np.float32(1.0 if finding.zone == "apical" else 0.0)
        inner = scene.wall_of_lower_lung(fall) - retreat * np.float32(0.75)
        peel = edge(off - inner, 0.35) * (retreat > 0.15) * scene.half(sign) * scene.inside
        scene.shadow += np.float32(strength) * peel
        mask |= peel > 0.5
    return mask
