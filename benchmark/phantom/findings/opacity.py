"""Lung filled in part: infiltration, pneumonia, consolidation, unspecific opacity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmark.phantom.findings.focal import bronchi
from benchmark.phantom.findings.shapes import air, noise_in_cm, place, ragged, rise
from benchmark.phantom.scene import edge

if TYPE_CHECKING:
    from benchmark.phantom.heart import Centre
    from benchmark.phantom.scene import Mask, Scene
    from benchmark.phantom.truth import Finding


def infiltration(
    finding: Finding, scene: Scene, centre: Centre, strength: float, random: np.random.Generator
) -> Mask:
    """Patchy, streaky shadows of fine grain without a border."""
    mask = np.zeros((scene.size, scene.size), bool)
    for sign in scene.sides(finding):
        radius = finding.size_cm / 2
        where = place(scene, sign, finding.zone, radius, random)
        region = ragged(scene, random, where, (0.85 * radius, 1.1 * radius), 0.30)
        streaks = 1 - np.abs(noise_in_cm(scene, random, 1.7)) * np.float32(1.1)
        dots = noise_in_cm(scene, random, 0.9)
        grain = np.clip(0.65 * streaks + 0.30 * dots, -0.3, 1.3)
        extent = rise(region, 1.0)
        scene.shadow += np.float32(strength) * extent * grain * air(scene)
        mask |= (extent > 0.35) & (scene.inside > 0.5)
    return mask


def pneumonia(
    finding: Finding, scene: Scene, centre: Centre, strength: float, random: np.random.Generator
) -> Mask:
    """Several fluffy patches that run together within one lobe."""
    mask = np.zeros((scene.size, scene.size), bool)
    for sign in scene.sides(finding):
        radius = finding.size_cm / 2
        where = place(scene, sign, finding.zone, radius, random)
        patches = np.zeros_like(scene.x)
        for _ in range(int(random.integers(5, 8))):
            dx, dy = random.normal(0, 0.42 * radius, 2)
            part = radius * float(random.uniform(0.25, 0.5))
            patch = ragged(scene, random, (where[0] + dx, where[1] + dy), (part, part), 0.22)
            patches = np.maximum(patches, rise(patch, 0.75))
        ground = ragged(scene, random, where, (0.8 * radius, 0.9 * radius), 0.2)
        filled = 0.35 * rise(ground, 0.9) + 0.75 * patches
        scene.shadow += np.float32(strength) * filled * air(scene)
        scene.vessel_gain *= 1 - np.float32(0.5) * patches
        mask |= (filled > 0.22) & (scene.inside > 0.5)
    return mask


def consolidation(
    finding: Finding, scene: Scene, centre: Centre, strength: float, random: np.random.Generator
) -> Mask:
    """A dense, even shadow with air-filled bronchi, cut straight by a fissure."""
    mask = np.zeros((scene.size, scene.size), bool)
    for sign in scene.sides(finding):
        radius = finding.size_cm / 2
        where = place(scene, sign, finding.zone, radius, random)
        region = ragged(scene, random, where, (0.9 * radius, radius), 0.30)
        slope = sign * float(random.normal(0.1, 0.2))
        below = 1.0 if random.random() < 0.5 else -1.0
        line = scene.y - np.float32(where[1]) - np.float32(slope) * (scene.x - np.float32(where[0]))
        fissure = edge(np.float32(below) * line + np.float32(0.55 * radius), 0.5)
        uneven = np.clip(0.9 + 0.12 * noise_in_cm(scene, random, 1.6), 0, 1.2)
        filled = rise(region, 0.45) * fissure * uneven
        tubes = bronchi(scene, random, where, radius) * filled
        shown = np.float32(strength) * filled * air(scene)
        scene.shadow += shown * (1 - np.float32(0.75) * tubes)
        scene.vessel_gain *= 1 - np.float32(0.9) * filled
        mask |= (filled > 0.4) & (scene.inside > 0.5)
    return mask


def unspecific(
    finding: Finding, scene: Scene, centre: Centre, strength: float, random: np.random.Generator
) -> Mask:
    """A hazy, even shadow without a border, through which vessels are seen."""
    mask = np.zeros((scene.size, scene.size), bool)
    for sign in scene.sides(finding):
        radius = finding.size_cm / 2
        where = place(scene, sign, finding.zone, radius, random)
        region = ragged(scene, random, where, (1.15 * radius, radius), 0.12)
        extent = rise(region, 0.95)
        scene.shadow += np.float32(strength) * extent * air(scene)
        mask |= (extent > 0.3) & (scene.inside > 0.5)
    return mask
