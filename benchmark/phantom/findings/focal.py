"""Mass, nodule, atelectasis and hiatal hernia."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmark.phantom.findings.shapes import disc, lines, place, ragged, rise
from benchmark.phantom.scene import edge
from benchmark.phantom.texture import branches

if TYPE_CHECKING:
    from benchmark.phantom.heart import Centre
    from benchmark.phantom.scene import Mask, Scene
    from benchmark.phantom.truth import Finding


def nodule(
    finding: Finding, scene: Scene, centre: Centre, strength: float, random: np.random.Generator
) -> Mask:
    """A round, sharply bounded shadow under 3 cm."""
    (sign,) = scene.sides(finding)[:1]
    radius = finding.size_cm / 2
    spot = disc(scene, *place(scene, sign, finding.zone, radius, random), radius, radius)
    covered = scene.inside
    scene.shadow += np.float32(strength) * np.sqrt(np.clip(spot, 0, 1)) * covered
    return (spot > 0) & (covered > 0.5)


def mass(
    finding: Finding, scene: Scene, centre: Centre, strength: float, random: np.random.Generator
) -> Mask:
    """A lobulated round shadow over 3 cm, thickest in its middle."""
    (sign,) = scene.sides(finding)[:1]
    radius = finding.size_cm / 2
    where = place(scene, sign, finding.zone, radius, random)
    oval = float(random.uniform(0.85, 1.0))
    spot = ragged(scene, random, where, (radius, radius * oval), 0.10)
    covered = scene.inside
    depth = np.sqrt(np.clip(spot, 0, 1))
    scene.shadow += np.float32(strength * 0.45 * finding.size_cm) * depth * covered
    scene.vessel_gain *= 1 - np.float32(0.7) * rise(spot, 0.2)
    return (spot > 0) & (covered > 0.5)


def atelectasis(
    finding: Finding, scene: Scene, centre: Centre, strength: float, random: np.random.Generator
) -> Mask:
    """Plate-like bands over a raised diaphragm, with a little haze around them."""
    mask = np.zeros((scene.size, scene.size), bool)
    for sign in scene.sides(finding):
        x, y = place(scene, sign, finding.zone, 3.0, random)
        x = sign * np.clip(abs(x), 4.5, 0.75 * scene.anatomy.half_width)
        y = min(y, scene.floor_at(float(x)) - 1.2)
        tilt = sign * float(random.normal(0.05, 0.22))
        for index in range(int(random.integers(2, 4))):
            reach = finding.size_cm * float(random.uniform(0.38, 0.55))
            dx = scene.x - np.float32(x + random.normal(0, 0.6))
            dy = scene.y - np.float32(y - 1.3 * index)
            bend = np.float32(tilt) * dx + np.float32(random.normal(0, 0.02)) * dx * dx
            half = float(random.uniform(0.32, 0.55))
            ends = edge(np.float32(reach) - np.abs(dx), 1.5)
            plate = np.clip(1 - ((dy - bend) / np.float32(half)) ** 2, 0, 1) * ends * scene.inside
            scene.shadow += np.float32(strength) * np.sqrt(plate)
            mask |= plate > 0.05
        haze = rise(disc(scene, float(x), y - 0.6, 0.45 * finding.size_cm, 2.2), 0.8)
        scene.shadow += np.float32(0.16 * strength) * haze * scene.inside
        mask |= (haze > 0.5) & (scene.inside > 0.5)
    return mask


def hernia(
    finding: Finding, scene: Scene, centre: Centre, strength: float, random: np.random.Generator
) -> Mask:
    """A round shadow behind the heart with air above a level."""
    anatomy = scene.anatomy
    radius = finding.size_cm / 2
    x = float(random.normal(0.8, 1.6)) + 0.3 * radius
    if anatomy.lateral:
        x = 0.35 * anatomy.half_width
    y = min(anatomy.domes) + float(random.normal(0.2, 0.7)) - 0.55 * radius
    pouch = disc(scene, x, y, radius, radius * float(random.uniform(0.8, 1.0)))
    level = scene.y - np.float32(y - float(random.uniform(-0.7, 0.7)) * radius)
    fluid = edge(level, 0.35)
    depth = np.sqrt(np.clip(pouch, 0, 1))
    wall = np.exp(-((pouch - 0.10) ** 2) * np.float32(90))
    # The lesion's part of a shadow behind the heart is weakened later; it is the whole here.
    gain = 1 / (1 - 0.55 * centre.heart)
    shown = depth * (fluid - np.float32(1.1) * (1 - fluid)) + np.float32(0.5) * wall
    scene.shadow += np.float32(strength) * shown * gain
    return pouch > 0


def bronchi(
    scene: Scene, random: np.random.Generator, where: tuple[float, float], radius: float
) -> np.ndarray:
    """Air-filled branching tubes within a filled region, values in [0, 1]."""
    sign = 1 if where[0] > 0 else -1
    root = (where[0] - sign * 0.8 * radius, where[1] - 0.3 * radius)
    heading = 0.3 if sign > 0 else np.pi - 0.3
    roots = np.array([[*root, heading, 0.55 * radius, 0.42]])
    return lines(scene, branches(random, roots, 3))
