"""The words of a finding: nouns, degrees and places, shared by reports and phrases.

Slots in templates are `str.format` fields: `{noun}` (with its plural where it has one), `{is_}`
(is or are), `{a}` (`a/an ` before a single countable noun, else nothing; `grammar.finish` makes it
a or an), `{degree}`, `{side}`, `{where}` (a place such as `at the left base`), `{size}`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from benchmark.phantom.truth import Finding

LUNG_FINDINGS = frozenset(
    {
        "Atelectasis",
        "Infiltration",
        "Mass",
        "Nodule",
        "Pneumonia",
        "Consolidation",
        "Edema",
        "Emphysema",
        "Fibrosis",
        "Lung Opacity",
    }
)
"""Findings of the lung itself: any of them contradicts `the lungs are clear`."""

SEVERITY_EDGES = (0.34, 0.67)
"""Severity below the first edge is mild, below the second moderate, else severe."""


@dataclass(frozen=True)
class Noun:
    """A name of a finding; `plural` is empty for one that cannot be counted."""

    single: str
    plural: str = ""


@dataclass(frozen=True)
class FindingWords:
    """How one finding is called.

    Attributes:
        nouns: Names; the first is the plainest and the one used for denials beside `denied_as`.
        degrees: Adjectives for mild, moderate and severe.
        denied_as: Plural or uncountable names that follow `no`.
    """

    nouns: tuple[Noun, ...]
    degrees: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
    denied_as: tuple[str, ...]


_EXTENT = (("mild", "minor", "slight", "minimal"), ("moderate",), ("severe", "marked", "extensive"))
_VOLUME = (("small", "trace", "tiny"), ("moderate", "moderate-sized"), ("large", "sizeable"))
_HEART = (("mild", "slight"), ("moderate",), ("severe", "marked"))

WORDS: dict[str, FindingWords] = {
    "Atelectasis": FindingWords(
        (
            Noun("atelectasis"),
            Noun("linear atelectasis"),
            Noun("volume loss"),
            Noun("platelike atelectasis"),
            Noun("atelectatic change", "atelectatic changes"),
        ),
        _EXTENT,
        ("atelectasis", "volume loss"),
    ),
    "Cardiomegaly": FindingWords(
        (Noun("cardiomegaly"), Noun("cardiac enlargement"), Noun("enlargement of the heart")),
        _HEART,
        ("cardiomegaly", "cardiac enlargement"),
    ),
    "Effusion": FindingWords(
        (
            Noun("pleural effusion", "pleural effusions"),
            Noun("effusion", "effusions"),
            Noun("pleural fluid"),
        ),
        _VOLUME,
        ("pleural effusion", "effusion", "pleural fluid"),
    ),
    "Infiltration": FindingWords(
        (
            Noun("infiltrate", "infiltrates"),
            Noun("infiltration"),
            Noun("ill-defined infiltrate", "ill-defined infiltrates"),
            Noun("patchy infiltration"),
        ),
        (("subtle", "faint", "mild"), ("moderate",), ("extensive", "dense")),
        ("infiltrate", "infiltration", "focal infiltrate"),
    ),
    "Mass": FindingWords(
        (Noun("mass", "masses"), Noun("mass lesion", "mass lesions"), Noun("lung mass", "masses")),
        (("small", "vague"), ("well-defined", "rounded"), ("large", "bulky")),
        ("mass", "lung mass", "suspicious mass"),
    ),
    "Nodule": FindingWords(
        (
            Noun("nodule", "nodules"),
            Noun("pulmonary nodule", "pulmonary nodules"),
            Noun("nodular density", "nodular densities"),
        ),
        (("faint", "tiny"), ("small", "round"), ("dense", "conspicuous")),
        ("nodule", "pulmonary nodule", "suspicious nodule"),
    ),
    "Pneumonia": FindingWords(
        (Noun("pneumonia"), Noun("focal pneumonia"), Noun("infectious pneumonia")),
        (("mild", "early"), ("moderate",), ("severe", "extensive")),
        ("pneumonia", "focal pneumonia"),
    ),
    "Pneumothorax": FindingWords(
        (Noun("pneumothorax", "pneumothoraces"),),
        (("small", "tiny"), ("moderate", "moderate-sized"), ("large",)),
        ("pneumothorax",),
    ),
    "Consolidation": FindingWords(
        (
            Noun("consolidation", "consolidations"),
            Noun("airspace consolidation"),
            Noun("consolidative change", "consolidative changes"),
        ),
        (("subtle", "mild"), ("moderate",), ("extensive", "marked")),
        ("consolidation", "focal consolidation", "airspace consolidation"),
    ),
    "Edema": FindingWords(
        (Noun("pulmonary edema"), Noun("edema"), Noun("interstitial edema")),
        (("mild", "slight"), ("moderate",), ("severe", "marked")),
        ("edema", "pulmonary edema", "overt edema"),
    ),
    "Emphysema": FindingWords(
        (Noun("emphysema"), Noun("emphysematous change", "emphysematous changes")),
        _EXTENT,
        ("emphysema",),
    ),
    "Fibrosis": FindingWords(
        (
            Noun("fibrosis"),
            Noun("fibrotic change", "fibrotic changes"),
            Noun("interstitial fibrosis"),
            Noun("reticular fibrosis"),
        ),
        _EXTENT,
        ("fibrosis", "interstitial fibrosis"),
    ),
    "Pleural_Thickening": FindingWords(
        (Noun("pleural thickening"), Noun("thickening of the pleura")),
        _EXTENT,
        ("pleural thickening",),
    ),
    "Hernia": FindingWords(
        (Noun("hiatal hernia"), Noun("hernia"), Noun("hiatus hernia")),
        (("small",), ("moderate", "moderate-sized"), ("large",)),
        ("hiatal hernia", "hernia"),
    ),
    "Lung Opacity": FindingWords(
        (
            Noun("opacity", "opacities"),
            Noun("lung opacity", "lung opacities"),
            Noun("hazy opacity", "hazy opacities"),
            Noun("airspace opacity", "airspace opacities"),
        ),
        (("faint", "subtle", "mild"), ("moderate",), ("dense", "extensive")),
        ("focal opacity", "lung opacity", "airspace opacity"),
    ),
}

_ONE_SIDE: dict[str, tuple[str, ...]] = {
    "upper": ("in the {s} upper lung", "in the {s} upper lobe", "in the {s} upper zone"),
    "mid": ("in the {s} mid lung", "in the {s} mid zone", "in the mid {s} lung"),
    "lower": ("in the {s} lower lung", "in the {s} lower lobe", "in the {s} lower zone"),
    "apical": ("at the {s} apex", "at the {s} lung apex", "in the {s} apical region"),
    "basal": ("at the {s} base", "at the {s} lung base", "in the {s} basal region"),
    "diffuse": ("throughout the {s} lung", "diffusely in the {s} lung"),
    "central": ("in the {s} perihilar region", "around the {s} hilum"),
}
_BOTH_SIDES: dict[str, tuple[str, ...]] = {
    "upper": ("in both upper lungs", "in the upper lobes bilaterally", "in both upper zones"),
    "mid": ("in both mid lungs", "in the mid zones bilaterally"),
    "lower": ("in both lower lungs", "in the lower lobes bilaterally", "in both lower zones"),
    "apical": ("at both apices", "at the apices bilaterally"),
    "basal": ("at both bases", "at the lung bases bilaterally", "in both basal regions"),
    "diffuse": ("throughout both lungs", "diffusely in both lungs"),
    "central": ("in both perihilar regions", "around both hila"),
}
_MIDLINE = ("behind the heart", "in the retrocardiac region")


def degree_index(finding: Finding) -> int:
    """0 mild, 1 moderate, 2 severe."""
    return int(np.searchsorted(SEVERITY_EDGES, finding.severity, side="right"))


def place_forms(finding: Finding) -> tuple[str, ...]:
    """All ways to say where a finding lies."""
    if finding.side == "midline":
        return _MIDLINE
    if finding.side == "bilateral":
        return _BOTH_SIDES[finding.zone]
    return tuple(form.format(s=finding.side) for form in _ONE_SIDE[finding.zone])


def pick(generator: np.random.Generator, items: tuple[str, ...]) -> str:
    """One of the items."""
    return items[int(generator.integers(len(items)))]


def slots(finding: Finding, generator: np.random.Generator) -> dict[str, str]:
    """Values for all slots of a template about this finding."""
    words = WORDS[finding.name]
    noun = words.nouns[int(generator.integers(len(words.nouns)))]
    several = finding.side == "bilateral" and bool(noun.plural)
    countable = bool(noun.plural) or finding.name == "Hernia"
    article = "" if several or not countable else "a/an "
    side = "" if finding.side == "midline" else f"{finding.side} "
    return {
        "noun": noun.plural if several else noun.single,
        "a": article,
        "is_": "are" if several else "is",
        "has": "have" if several else "has",
        "degree": pick(generator, words.degrees[degree_index(finding)]),
        "degree_ly": ("mildly", "moderately", "severely")[degree_index(finding)],
        "side": side,
        "on_side": "on both sides" if finding.side == "bilateral" else f"on the {side}side",
        "angles": "both costophrenic angles are"
        if finding.side == "bilateral"
        else f"the {side}costophrenic angle is",
        "pleural_space": "both pleural spaces"
        if finding.side == "bilateral"
        else f"the {side}pleural space",
        "where": pick(generator, place_forms(finding)),
        "size": f"{max(finding.size_cm, 0.3):.1f} cm",
    }
