"""Phrases for the MS-CXR layout: same words as the reports, sentence forms of their own.

No template here equals, or is contained in, a template of the report grammar (a test holds it), so
that grounding by phrase is not recall of a sentence seen in pre-training.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.phantom import grammar
from benchmark.phantom.words import pick, slots

if TYPE_CHECKING:
    import numpy as np

    from benchmark.phantom.truth import Finding

MS_CXR_NAMES = {
    "Atelectasis": "Atelectasis",
    "Cardiomegaly": "Cardiomegaly",
    "Consolidation": "Consolidation",
    "Edema": "Edema",
    "Infiltration": "Lung Opacity",
    "Lung Opacity": "Lung Opacity",
    "Effusion": "Pleural Effusion",
    "Pneumonia": "Pneumonia",
    "Pneumothorax": "Pneumothorax",
}
"""MS-CXR's category of each finding of the phantom; others have none."""

_COMMON = (
    "area of {noun} {where}",
    "{degree} region of {noun} {where}",
    "abnormal density {where} due to {noun}",
    "{noun} located {where}",
    "{noun} which {is_} {degree} {where}",
    "focus of {noun} {where}",
)
PHRASES: dict[str, tuple[str, ...]] = {
    "Cardiomegaly": (
        "enlarged heart",
        "enlarged cardiac silhouette",
        "heart {degree_ly} larger than normal",
        "increased heart size, {degree}",
    ),
    "Effusion": (
        "{noun} {on_side} which {is_} {degree}",
        "blunting {on_side} from {noun}",
        "fluid in {pleural_space}, {degree}",
        "layering {noun} located {where}",
    ),
    "Pneumothorax": (
        "{noun} {on_side} which {is_} {degree}",
        "{side}sided {noun} at the apex",
        "air in {pleural_space}, {degree} {noun}",
        "pleural line from {noun} {where}",
    ),
    "Edema": (
        "bilateral vascular congestion with {noun}",
        "diffuse {noun} centered {where}",
        "{degree} perihilar haze from {noun}",
        "interstitial pattern of {noun} {where}",
    ),
    "Pneumonia": (*_COMMON, "airspace disease from {noun} {where}"),
}


def ms_cxr_phrase(finding: Finding, generator: np.random.Generator) -> str:
    """A phrase on one finding, lower case, without a full stop.

    Args:
        finding: One whose name is in `MS_CXR_NAMES`.
        generator: Draws the form and the words.
    """
    template = pick(generator, PHRASES.get(finding.name, _COMMON))
    return grammar.finish(template.format(**slots(finding, generator))).lower()


def phrase_templates() -> tuple[str, ...]:
    """Every template of this module."""
    return tuple(dict.fromkeys([*_COMMON, *(item for group in PHRASES.values() for item in group)]))
