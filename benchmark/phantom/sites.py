"""Where each finding stands and how large it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import numpy as np

    from benchmark.phantom.truth import Side, Zone


@dataclass(frozen=True)
class Site:
    """Side, zone and largest extent in cm of a finding."""

    side: Side
    zone: Zone
    size_cm: float


@dataclass(frozen=True)
class _Habit:
    """Probabilities of sides and zones, and the range of sizes in cm."""

    sides: Mapping[str, float]
    zones: Mapping[str, float]
    size_cm: tuple[float, float]


_ONE_SIDE = {"right": 0.5, "left": 0.5}
_BOTH = {"bilateral": 1.0}
_MIDLINE = {"midline": 1.0}
_HABITS = {
    "Atelectasis": _Habit(
        {"right": 0.4, "left": 0.4, "bilateral": 0.2}, {"lower": 0.8, "mid": 0.2}, (5.0, 10.0)
    ),
    "Cardiomegaly": _Habit(_MIDLINE, {"central": 1.0}, (15.0, 20.0)),
    "Effusion": _Habit(
        {"right": 0.35, "left": 0.35, "bilateral": 0.3}, {"basal": 1.0}, (3.0, 12.0)
    ),
    "Infiltration": _Habit(
        {"right": 0.4, "left": 0.35, "bilateral": 0.25},
        {"upper": 0.2, "mid": 0.4, "lower": 0.4},
        (6.0, 11.0),
    ),
    "Mass": _Habit(_ONE_SIDE, {"upper": 0.4, "mid": 0.35, "lower": 0.25}, (3.3, 7.5)),
    "Nodule": _Habit(_ONE_SIDE, {"upper": 0.4, "mid": 0.3, "lower": 0.3}, (2.0, 2.9)),
    "Pneumonia": _Habit(
        {"right": 0.45, "left": 0.4, "bilateral": 0.15},
        {"upper": 0.2, "mid": 0.3, "lower": 0.5},
        (6.0, 11.0),
    ),
    "Pneumothorax": _Habit(_ONE_SIDE, {"apical": 1.0}, (6.0, 16.0)),
    "Consolidation": _Habit(
        {"right": 0.45, "left": 0.45, "bilateral": 0.1},
        {"upper": 0.3, "mid": 0.3, "lower": 0.4},
        (5.0, 9.0),
    ),
    "Edema": _Habit(_BOTH, {"central": 1.0}, (18.0, 25.0)),
    "Emphysema": _Habit(_BOTH, {"diffuse": 0.6, "upper": 0.4}, (20.0, 28.0)),
    "Fibrosis": _Habit(
        {"bilateral": 0.6, "right": 0.2, "left": 0.2}, {"basal": 0.6, "upper": 0.4}, (7.0, 13.0)
    ),
    "Pleural_Thickening": _Habit(
        {"right": 0.4, "left": 0.4, "bilateral": 0.2},
        {"apical": 0.5, "mid": 0.3, "basal": 0.2},
        (5.0, 12.0),
    ),
    "Hernia": _Habit(_MIDLINE, {"central": 1.0}, (4.5, 9.0)),
    "Lung Opacity": _Habit(
        {"right": 0.4, "left": 0.4, "bilateral": 0.2},
        {"upper": 0.25, "mid": 0.35, "lower": 0.4},
        (4.0, 8.0),
    ),
}


def draw_site(
    name: str, severity: float, others: Mapping[str, Site], random: np.random.Generator
) -> Site:
    """Where a finding stands, given those already placed in the same study.

    A pneumonia mostly stands where the study's consolidation stands, an atelectasis on the side
    of the study's effusion. Size rises with severity.
    """
    habit = _HABITS[name]
    side, zone = _draw(habit.sides, random), _draw(habit.zones, random)
    together = random.random()
    if name == "Pneumonia" and "Consolidation" in others and together < 0.7:
        side, zone = others["Consolidation"].side, others["Consolidation"].zone
    if name == "Atelectasis" and "Effusion" in others and together < 0.6:
        side, zone = others["Effusion"].side, "lower"
    low, high = habit.size_cm
    fraction = 0.5 * severity + 0.5 * float(random.random())
    return Site(cast("Side", side), cast("Zone", zone), low + (high - low) * fraction)


def _draw(chances: Mapping[str, float], random: np.random.Generator) -> str:
    threshold, total = random.random(), 0.0
    *most, last = chances
    for value in most:
        total += chances[value]
        if threshold < total:
            return value
    return last
