"""Soft tissue, vessels and what lies below the diaphragm: the density without lesions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmark.phantom.scene import PLACES, along, edge
from benchmark.phantom.skeleton import draw_bones
from benchmark.phantom.texture import blurred, branches, draw_segments, value_noise
from benchmark.seeds import generator_from

if TYPE_CHECKING:
    from benchmark.phantom.heart import Centre
    from benchmark.phantom.scene import Field, Scene
    from benchmark.phantom.truth import Study, View


def draw_density(scene: Scene, centre: Centre, study: Study, view: View) -> Field:
    """Water-equivalent thickness along the beam, in cm, lesions included.

    Args:
        scene: After the findings were painted.
        centre: Heart and mediastinum.
        study: Gives the seeds of bones and vessels, which agree between a patient's studies.
        view: Gives the seed of what differs between exposures.
    """
    random = generator_from("tissue", view.seed)
    aerated = (1 - np.float32(0.86) * centre.heart) * (1 - np.float32(0.93) * centre.mediastinum)
    density = _soft_tissue(scene, random)
    density -= np.float32(scene.anatomy.air) * scene.lung * aerated
    density += _uneven(scene, random) * aerated
    vessels = _vessels(scene, generator_from("vessels", study.patient.seed, view.name))
    lung_gain = scene.inside * scene.vessel_gain
    density += vessels * lung_gain * np.float32(2.0 * scene.anatomy.vessels)
    texture = value_noise(random, 64, scene.size) + value_noise(random, 30, scene.size)
    density += np.float32(0.13) * texture * lung_gain
    density += draw_bones(scene, generator_from("bones", study.patient.seed))
    density -= _airways(scene)
    density += scene.shadow * (1 - np.float32(0.55) * centre.heart)
    return density


def _uneven(scene: Scene, random: np.random.Generator) -> Field:
    """What makes normal lungs differ: their density by region, around the hila and at the bases."""
    base, hila = float(random.normal(0, 0.07)), float(random.normal(0, 0.07))
    height = np.float32(scene.anatomy.height)
    low = edge(scene.y - np.float32(0.75) * height, 7.0)
    off = (np.abs(scene.x) - np.float32(4.5)) * np.float32(0.2)
    rise = (scene.y - np.float32(0.5) * height) * np.float32(0.13)
    wing = np.exp(-off * off - rise * rise)
    cloud = np.float32(0.05) * value_noise(random, 4, scene.size)
    result: Field = scene.lung * (np.float32(base) * low + np.float32(hila) * wing + cloud)
    return result


def _soft_tissue(scene: Scene, random: np.random.Generator) -> Field:
    anatomy = scene.anatomy
    off = np.abs(scene.x)
    trunk = anatomy.half_width + 0.9 + anatomy.fat
    outline = np.interp(
        PLACES, [-12, -6.5, -4, -1.5, 2, 6, 11, 24], _outline(anatomy.lateral, trunk)
    ).astype(np.float32)
    reach = along(outline, scene.y)
    share = np.clip(off / reach, 0, 1)
    density = np.float32(anatomy.thickness) * np.sqrt(1 - share**3)
    if not anatomy.lateral:
        gap = np.float32(trunk + 4.9) + np.float32(0.10) * (scene.y - 4)
        arm = np.clip(1 - ((off - gap) / np.float32(3.8)) ** 2, 0, 1)
        density = np.maximum(density, np.sqrt(arm) * edge(scene.y + 1, 3) * np.float32(9.0))
        density += _breasts(scene, random)
    below = edge(scene.y - scene.floor, 0.5)
    density += below * np.float32(1.5)
    density -= _stomach(scene, random) * below
    folds = value_noise(random, 5, scene.size)
    return density * (1 + np.float32(0.02) * folds)


def _outline(lateral: bool, trunk: float) -> list[float]:
    """Half width of the body at the heights in `_soft_tissue`."""
    if lateral:
        return [6.5, 6.5, 7, 0.75 * trunk, 0.9 * trunk, trunk, trunk + 0.6, trunk + 0.6]
    return [5.6, 5.8, 8.5, 15.5, trunk + 3.4, trunk + 2.2, trunk, trunk + 0.4]


def _breasts(scene: Scene, random: np.random.Generator) -> Field:
    if not scene.anatomy.female:
        return np.zeros_like(scene.x)
    size = 4.6 + 0.7 * scene.anatomy.fat
    level = 0.72 * scene.anatomy.height + float(random.normal(0, 1.2))
    dx = (np.abs(scene.x) - np.float32(0.66 * scene.anatomy.half_width)) * np.float32(1 / size)
    dy = (scene.y - np.float32(level)) * np.float32(1 / size)
    drop = np.where(dy > 0, dy, dy * np.float32(0.45))
    profile = np.sqrt(np.clip(1 - dx * dx - drop * drop, 0, 1))
    result: Field = np.float32(0.9 + 0.45 * scene.anatomy.fat) * profile
    return result


def _stomach(scene: Scene, random: np.random.Generator) -> Field:
    present = random.random() < 0.75
    x, depth = float(random.uniform(5.0, 8.5)), float(random.uniform(2.0, 3.6))
    rx, ry = float(random.uniform(1.8, 3.6)), float(random.uniform(1.2, 2.4))
    if not present or scene.anatomy.lateral:
        return np.zeros_like(scene.x)
    dx = (scene.x - np.float32(x)) * np.float32(1 / rx)
    dy = (scene.y - np.float32(scene.floor_at(x) + depth)) * np.float32(1 / ry)
    result: Field = np.float32(3.2) * np.sqrt(np.clip(1 - dx * dx - dy * dy, 0, 1))
    return result


def _airways(scene: Scene) -> Field:
    anatomy = scene.anatomy
    carina = np.float32(0.43 * anatomy.height)
    axis = np.float32(0.35 * anatomy.heart_shift - 0.2)
    if anatomy.lateral:
        axis = np.float32(0.8)
    along_trachea = edge(carina - scene.y, 1.0)
    trachea = np.clip(1 - ((scene.x - axis) / np.float32(0.85)) ** 2, 0, 1) * along_trachea
    fall = scene.y - carina
    off = np.abs(scene.x - axis)
    main = np.clip(1 - ((fall - off * np.float32(0.75)) / np.float32(0.7)) ** 2, 0, 1)
    main *= edge(4.5 - off, 1.5) * edge(fall + 0.6, 0.6)
    result: Field = np.float32(1.5) * np.sqrt(trachea) + np.float32(0.9) * main
    return result


def _vessels(scene: Scene, random: np.random.Generator) -> Field:
    """Vessels that fan out from both hila, in units of the widest one."""
    anatomy = scene.anatomy
    headings = np.array([-1.35, -0.9, -0.35, 0.2, 0.6, 1.05, 1.5])
    count = len(headings)
    trees = []
    for sign in (-1, 1):
        out = sign * random.uniform(3.0, 4.2, count)
        if anatomy.lateral:
            out = random.normal(0, 0.8, count)
        down = 0.47 * anatomy.height + 1.5 * headings + (0.0 if sign < 0 else -0.6)
        angle = headings if sign > 0 else np.pi - headings
        reach = 0.19 * anatomy.half_width * np.where(headings > 0.5, 1.3, 1.0)
        width = np.where(np.abs(headings) > 0.3, 0.50, 0.40)
        roots = [
            out,
            down,
            angle + random.normal(0, 0.08, count),
            reach * random.uniform(0.8, 1.1, count),
            width,
        ]
        trees.append(branches(random, np.column_stack(roots), 5))
    twigs = np.concatenate(trees)
    twigs = twigs[np.argsort(twigs[:, 4], kind="stable")]
    value = np.minimum(1.0, 0.25 + 1.3 * twigs[:, 4])
    lines = draw_segments(np.column_stack([scene.segments(twigs), value]), scene.size)
    return np.float32(0.8) * lines + np.float32(0.9) * blurred(lines, 0.03)
