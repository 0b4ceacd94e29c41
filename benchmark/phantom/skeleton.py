"""Bones: ribs, clavicles, spine, scapulae, arms; sternum and spine in the lateral view."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmark.phantom.scene import PLACES, along, edge

if TYPE_CHECKING:
    from benchmark.phantom.scene import Field, Scene


def draw_bones(scene: Scene, random: np.random.Generator) -> Field:
    """Water-equivalent thickness of all bones.

    Args:
        scene: Frontal or lateral.
        random: Of the patient, so that bones agree between studies.
    """
    if scene.anatomy.lateral:
        return _lateral_bones(scene, random)
    bones = _ribs(scene, random)
    bones += _spine(scene, random)
    bones += _clavicles(scene, random)
    bones += _scapulae(scene, random)
    return bones


def _rib_table(spacing: float, half: float, first: int, last: int) -> Field:
    """Density across ribs, by rib number: hollow tubes with bright cortex."""
    number = PLACES
    inside = 1 - ((number - np.round(number)) * np.float32(spacing / half)) ** 2
    tube = np.clip(inside, 0, 1)
    profile = 0.55 * np.sqrt(tube) + 1.1 * np.exp(-((inside - 0.12) ** 2) / 0.02)
    return np.where((number > first - 0.5) & (number < last + 0.5), profile, 0).astype(np.float32)


def _ribs(scene: Scene, random: np.random.Generator) -> Field:
    anatomy = scene.anatomy
    off = np.abs(scene.x)
    spacing = anatomy.height / 9.3
    slope, half = float(random.uniform(0.25, 0.5)), 0.55
    u = off / np.float32(anatomy.half_width)
    reach = np.float32(anatomy.half_width)
    behind = scene.y + reach * (np.float32(0.16) * u - np.float32(slope) * u * u * u)
    gain = float(random.uniform(1.1, 1.7))
    chest = edge(scene.wall + 0.9 - off, 0.8) * edge(off - 1.2, 1.0)
    back = along(_rib_table(spacing, half, 1, 10), behind * np.float32(1 / spacing) - 0.25)
    lower = edge(np.float32(anatomy.height + 7) - scene.y, 9.0)
    bones = back * (chest * lower)
    ahead = scene.y + reach * np.float32(0.62) * (u - np.float32(1.0))
    tips = edge(off - np.float32(0.40) * reach, 2.0) * chest
    front = along(_rib_table(spacing * 1.12, half * 1.1, 2, 7), ahead * np.float32(0.89 / spacing))
    bones += front * tips * np.float32(0.7)
    rim = np.exp(-((off - scene.wall - np.float32(0.45)) ** 2) * np.float32(2.2))
    bones += rim * np.float32(0.9) * lower * (scene.wall > 0)
    result: Field = bones * np.float32(gain)
    return result


def _spine(scene: Scene, random: np.random.Generator) -> Field:
    off, spacing = np.abs(scene.x), scene.anatomy.height / 9.0
    phase = (PLACES / spacing) % 1.0
    disc = 1 - 0.35 * np.exp(-((phase - 0.5) ** 2) / 0.012)
    body = edge(2.0 - off, 0.7) * along(disc.astype(np.float32), scene.y)
    process = np.exp(-((phase - 0.1) ** 2) / 0.02).astype(np.float32)
    spine = np.float32(2.0) * body
    spine += edge(0.55 - off, 0.3) * along(process, scene.y) * np.float32(0.8)
    pedicle = np.exp(-((off - np.float32(1.35)) ** 2) * 8)
    spine += pedicle * along(process, scene.y + np.float32(0.35 * spacing)) * np.float32(0.7)
    return spine * np.float32(random.uniform(0.85, 1.15))


def _clavicles(scene: Scene, random: np.random.Generator) -> Field:
    level = float(random.uniform(0.09, 0.17)) * scene.anatomy.height
    rise = float(random.uniform(0.10, 0.30))
    bones = np.zeros_like(scene.x)
    off = np.abs(scene.x)
    bend = np.float32(0.7) * np.sin((off - 1.5) * np.float32(0.5))
    for sign in (-1, 1):
        tilt = rise + float(random.normal(0, 0.05))
        middle = np.float32(level) - np.float32(tilt) * (off - 1.5) + bend
        across = (scene.y - middle) * np.float32(1 / 0.7)
        inside = 1 - across * across
        profile = 0.6 * np.sqrt(np.clip(inside, 0, 1)) + 0.8 * np.exp(-((inside - 0.1) ** 2) * 40)
        bones += profile * (scene.half(sign) & (off > 1.6)) * edge(17 - off, 1.0)
    return bones * np.float32(1.15)


def _scapulae(scene: Scene, random: np.random.Generator) -> Field:
    anatomy = scene.anatomy
    off = np.abs(scene.x)
    border = np.float32(anatomy.half_width * float(random.uniform(0.92, 1.12)))
    tip = np.float32(0.55 * anatomy.height)
    medial = border + np.float32(0.28) * (tip - scene.y) * np.float32(0.4)
    lateral = border + np.float32(0.55) * (tip - scene.y)
    blade = edge(off - medial, 0.5) * edge(lateral - off, 0.5) * edge(scene.y, 2.0)
    ridge = np.exp(-((off - lateral) ** 2) * 3) * edge(tip - scene.y, 1.0) * edge(scene.y, 1.0)
    head = np.float32(anatomy.half_width + 6.2)
    humerus = edge(2.6 - np.hypot(off - head, scene.y - np.float32(3.0)), 0.4)
    shaft = edge(1.2 - np.abs(off - head - np.float32(0.16) * (scene.y - 3)), 0.4) * edge(
        scene.y - 4, 1
    )
    result: Field = (
        np.float32(0.5) * blade + np.float32(0.7) * ridge + 1.6 * np.maximum(humerus, shaft)
    )
    return result


def _lateral_bones(scene: Scene, random: np.random.Generator) -> Field:
    anatomy = scene.anatomy
    width, spacing = np.float32(anatomy.half_width), anatomy.height / 9.0
    phase = (PLACES / spacing) % 1.0
    disc = (1 - 0.6 * np.exp(-((phase - 0.5) ** 2) / 0.01)).astype(np.float32)
    axis = width * np.float32(0.86) - np.float32(0.011) * (scene.y - 12) ** 2
    column = edge(1.7 - np.abs(scene.x - axis), 0.5) * along(disc, scene.y)
    bones = np.float32(2.2) * column
    front = -width * np.float32(1.03) + np.float32(0.010) * (scene.y - 14) ** 2
    sternum = edge(0.6 - np.abs(scene.x - front), 0.3)
    bones += np.float32(1.6) * sternum * edge(scene.y - 2, 1) * edge(17 - scene.y, 2)
    tilt = scene.y - np.float32(0.55) * (width - scene.x)
    ribs = along(_rib_table(spacing, 0.5, -2, 12), tilt * np.float32(1 / spacing))
    chest = edge(width + 0.5 - np.abs(scene.x), 1.0) * edge(scene.y, 2.0)
    bones += ribs * chest * np.float32(0.5) * edge(np.float32(anatomy.height + 6) - scene.y, 5)
    return bones * np.float32(random.uniform(0.85, 1.15))
