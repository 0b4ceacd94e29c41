"""Report templates: what a report says of a finding that is present, and how it is finished.

The sentences of the zero-shot prompts (`There is {c}.`, `no evidence of {c}.`, `the lung is
clear.` ...) and the phrases of `phrases.py` are held out of this grammar; tests compare them.
"""

from __future__ import annotations

import re

COMMON_PRESENT = (
    "There {is_} {a}{degree} {noun} {where}.",
    "{a}{degree} {noun} {is_} seen {where}.",
    "{a}{degree} {noun} {is_} present {where}.",
    "{a}{degree} {noun} {is_} noted {where}.",
    "{where}, {a}{degree} {noun} {is_} demonstrated.",
    "The study shows {a}{degree} {noun} {where}.",
    "{noun} {where} {is_} {degree} in extent.",
    "{a}{degree} {noun} {is_} visible {where}.",
)
"""For findings without templates of their own; they name degree and place."""

PRESENT: dict[str, tuple[str, ...]] = {
    "Atelectasis": (
        *COMMON_PRESENT[:6],
        "Streaky densities {where} are compatible with {degree} {noun}.",
        "Low lung volumes with {degree} {noun} {where}.",
        "{degree} {noun} {where} accounts for the increased density there.",
    ),
    "Cardiomegaly": (
        "The heart is {degree_ly} enlarged.",
        "The cardiac silhouette is {degree_ly} enlarged.",
        "There is {degree} {noun}.",
        "{degree} {noun} is present.",
        "{degree} {noun} is noted.",
        "Heart size is {degree_ly} increased.",
        "The cardiomediastinal silhouette shows {degree} {noun}.",
        "The heart size is enlarged to a {degree} degree.",
        "The cardiothoracic ratio is increased, in keeping with {degree} {noun}.",
    ),
    "Effusion": (
        "There {is_} {a}{degree} {side}{noun}.",
        "{a}{degree} {side}{noun} {is_} present.",
        "{a}{degree} {side}{noun} {is_} seen.",
        "{a}{degree} {side}{noun} {is_} noted with blunting of the costophrenic angle.",
        "{angles} blunted by {a}{degree} {noun}.",
        "Dependent density {on_side} represents {a}{degree} {noun}.",
        "{a}{degree} {noun} can be seen {where}.",
        "{a}{degree} {noun} {has} collected in {pleural_space}.",
    ),
    "Mass": (
        "There {is_} {a}{size} {noun} {where}.",
        "{a}{degree} {noun} measuring {size} {is_} seen {where}.",
        "{a}{noun} of about {size} {is_} present {where}.",
        "{where}, {a}{degree} {noun} measures {size}.",
        "{a}{degree} {noun} {is_} identified {where}.",
        "The study shows {a}{degree} {noun} {where}, worrisome for malignancy.",
    ),
    "Nodule": (
        "There {is_} {a}{size} {noun} {where}.",
        "{a}{degree} {noun} measuring {size} {is_} seen {where}.",
        "{a}{noun} of about {size} {is_} present {where}.",
        "{a}{degree} {noun} {is_} identified {where}.",
        "{a}{degree} {noun} projects {where}.",
        "{a}{degree} {size} {noun} {is_} noted {where}, for which CT is advised.",
    ),
    "Pneumonia": (
        *COMMON_PRESENT[:5],
        "Opacification {where} is consistent with {degree} {noun}.",
        "{where}, airspace disease is in keeping with {degree} {noun}.",
        "{degree} {noun} involves the lung {where}.",
        "Findings {where} represent {degree} {noun}.",
    ),
    "Pneumothorax": (
        "There {is_} {a}{degree} {side}{noun}.",
        "{a}{degree} {side}{noun} {is_} present.",
        "{a}{degree} {side}{noun} {is_} seen.",
        "{a}{degree} {side}{noun} {is_} noted {where}.",
        "A visceral pleural line {where} indicates {a}{degree} {side}{noun}.",
        "The {side}lung is partly collapsed by {a}{degree} {noun}.",
        "Lucency without lung markings {where} represents {a}{degree} {noun}.",
    ),
    "Edema": (
        *COMMON_PRESENT[:5],
        "Vascular indistinctness is in keeping with {degree} {noun} {where}.",
        "Interstitial markings are increased {where}, consistent with {degree} {noun}.",
        "The pulmonary vasculature is congested with {degree} {noun} {where}.",
    ),
    "Emphysema": (
        *COMMON_PRESENT[:5],
        "The lungs are hyperinflated with {degree} {noun} {where}.",
        "Hyperlucency {where} reflects {degree} {noun}.",
        "Flattened diaphragms and {degree} {noun} {where}.",
    ),
    "Fibrosis": (
        *COMMON_PRESENT[:5],
        "Coarse reticular markings {where} reflect {degree} {noun}.",
        "Architectural distortion {where} is due to {degree} {noun}.",
        "Scarring and {degree} {noun} {is_} seen {where}.",
    ),
    "Pleural_Thickening": (
        "There is {degree} {side}{noun}.",
        "{degree} {side}{noun} is present.",
        "{degree} {noun} is seen {where}.",
        "{degree} {side}{noun} is noted along the chest wall.",
        "The pleura is thickened {where}, with {degree} {noun}.",
    ),
    "Hernia": (
        "There is {a}{degree} {noun}.",
        "{a}{degree} {noun} is present.",
        "{a}{degree} {noun} is seen {where}.",
        "Rounded density {where} represents {a}{degree} {noun}.",
        "An air-fluid level {where} is due to {a}{degree} {noun}.",
    ),
}

COMMON_HEDGED = (
    "Increased density {where} may represent {noun}.",
    "Findings {where} could reflect {degree} {noun}.",
    "{noun} {where} cannot be excluded.",
    "There may be {a}{degree} {noun} {where}.",
    "{a}{degree} {noun} {where} is suspected.",
    "Possible {degree} {noun} {where}.",
    "Subtle change {where}, questionable for {noun}.",
    "The appearance {where} raises the possibility of {noun}.",
)
HEDGED: dict[str, tuple[str, ...]] = {
    "Cardiomegaly": (
        "The heart may be {degree_ly} enlarged.",
        "Heart size is difficult to judge, {noun} cannot be excluded.",
        "Possible {degree} {noun}, although projection may contribute.",
        "The cardiac silhouette is borderline and may be {degree_ly} enlarged.",
    ),
    "Effusion": (
        "There may be {a}{degree} {side}{noun}.",
        "{a}{degree} {side}{noun} cannot be excluded.",
        "Blunting {on_side} may represent {a}{degree} {noun}.",
        "Possible {degree} {side}{noun}.",
    ),
    "Pneumothorax": (
        "There may be {a}{degree} {side}{noun}.",
        "A lucency {where} could represent {a}{degree} {noun}.",
        "{a}{degree} {side}{noun} cannot be excluded.",
        "Possible {degree} {side}{noun}.",
    ),
    "Hernia": (
        "Density {where} may represent {a}{noun}.",
        "{a}{degree} {noun} is suspected.",
        "Possible {degree} {noun}.",
    ),
}

UNCHANGED = (
    "Known {noun} {is_} unchanged.",
    "{noun} {is_} stable compared with the prior study.",
    "Unchanged {noun}.",
    "No interval change in the known {noun}.",
    "{noun} {has} a similar appearance to the prior examination.",
)
CHANGED: dict[str, tuple[str, ...]] = {
    "unchanged": (
        "{degree} {noun} {where} {is_} unchanged.",
        "{degree} {noun} {where} {is_} stable since the prior study.",
        "Unchanged {degree} {noun} {where}.",
    ),
    "improved": (
        "{noun} {where} {has} improved, now {degree}.",
        "Interval decrease in {noun} {where}, now {degree}.",
        "{degree} {noun} {where} {is_} less than on the prior study.",
    ),
    "worse": (
        "{noun} {where} {has} increased, now {degree}.",
        "Interval worsening of {noun} {where}, now {degree}.",
        "{degree} {noun} {where} {is_} greater than on the prior study.",
    ),
}
PLACELESS_CHANGED: dict[str, tuple[str, ...]] = {
    "unchanged": ("{degree} {noun} {is_} unchanged.", "Stable {degree} {noun}."),
    "improved": ("{noun} {has} improved, now {degree}.",),
    "worse": ("{noun} {has} increased, now {degree}.",),
}

IMPRESSION_PRESENT = (
    "{degree} {noun} {where}, as described.",
    "{noun} {where}.",
    "{degree} {noun} {where}, correlate clinically.",
    "Findings of {degree} {noun} {where}.",
    "{where}, {degree} {noun}.",
)
IMPRESSION_PLACELESS = (
    "{degree} {side}{noun}, as described.",
    "{degree} {side}{noun}, clinical correlation is advised.",
    "Findings of {degree} {side}{noun}.",
)
PLACELESS = frozenset({"Cardiomegaly", "Hernia", "Pneumothorax", "Effusion", "Pleural_Thickening"})
"""Findings whose place is their side alone, or none."""

_ARTICLE = re.compile(r"\ba/an (\w)")
_SPACES = re.compile(r" {2,}")


def finish(sentence: str) -> str:
    """Choose a or an, squeeze spaces, start with a capital.

    Args:
        sentence: A filled template.
    """
    text = _ARTICLE.sub(
        lambda match: ("an " if match[1].lower() in "aeiou" else "a ") + match[1], sentence
    )
    text = _SPACES.sub(" ", text).replace(" ,", ",").replace(" .", ".").strip()
    return text[:1].upper() + text[1:]


def finding_templates() -> tuple[str, ...]:
    """Every template that speaks of a finding, for tests that keep other texts apart."""
    groups = [
        COMMON_PRESENT,
        COMMON_HEDGED,
        UNCHANGED,
        IMPRESSION_PRESENT,
        IMPRESSION_PLACELESS,
        *PRESENT.values(),
        *HEDGED.values(),
        *CHANGED.values(),
        *PLACELESS_CHANGED.values(),
    ]
    return tuple(dict.fromkeys(template for group in groups for template in group))
