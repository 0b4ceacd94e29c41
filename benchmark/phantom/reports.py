"""Reports of phantom studies: true to the picture, except where a dial says otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

from benchmark.errors import UsageError
from benchmark.phantom import grammar, grammar_general
from benchmark.phantom.report_background import (
    denials,
    device_sentences,
    normal_sentences,
    remarks,
)
from benchmark.phantom.report_layout import lay_out
from benchmark.phantom.truth import Finding, Study
from benchmark.phantom.words import WORDS, pick, slots

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

REPORTED = tuple(WORDS)
"""Findings a report can speak of."""


@dataclass(frozen=True)
class ReportDials:
    """How reports depart from a full and certain description.

    Attributes:
        omission: Share of present findings that are not mentioned.
        hedging: Share of mentioned findings that are hedged.
        unchanged: Share of mentioned findings that are only called unchanged, without place
            and degree.
        label_noise: Share of present findings that are denied, share of studies in which one
            absent finding is affirmed, and share of data set labels that are flipped (scaled to
            the class's frequency for absent ones).

    Raises:
        UsageError: If a dial is outside 0..1.
    """

    omission: float = 0.05
    hedging: float = 0.10
    unchanged: float = 0.10
    label_noise: float = 0.0

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if not 0 <= value <= 1:
                raise UsageError(
                    f"The dial `{item.name}` is {value}.", remedy="It is a share: 0 to 1."
                )


@dataclass(frozen=True)
class Report:
    """A report and what it says.

    Attributes:
        text: In the form of MIMIC-CXR's files.
        mentions: By finding: 1 affirmed, -1 hedged, 0 denied; absent where not mentioned.
        devices: Whether a device is mentioned.
    """

    text: str
    mentions: Mapping[str, float] = field(default_factory=dict)
    devices: bool = False


@dataclass(frozen=True)
class Told:
    """What a report says, before it is laid out.

    Attributes:
        findings: Sentences of the FINDINGS section, in their order.
        impression: Sentences of the IMPRESSION section; empty for a study called normal.
        mentions, devices: As in `Report`.
    """

    findings: list[str]
    impression: list[str]
    mentions: Mapping[str, float]
    devices: bool


def write_report(study: Study, dials: ReportDials, generator: np.random.Generator) -> str:
    """The text of a report on a study, in the form of MIMIC-CXR's files.

    Args:
        study: What is true.
        dials: See `ReportDials`.
        generator: Draws words, order, layout and what the dials do.
    """
    return compose_report(study, dials, generator).text


def compose_report(study: Study, dials: ReportDials, generator: np.random.Generator) -> Report:
    """`write_report` with what the report says of each finding, for the label files."""
    told = tell(study, dials, generator)
    text = lay_out(study, told.findings, told.impression, generator)
    return Report(text, told.mentions, told.devices)


def tell(study: Study, dials: ReportDials, generator: np.random.Generator) -> Told:
    """The sentences of a report, whatever form they are written down in."""
    told, denied = _what_is_told(study, dials, generator)
    mentions: dict[str, float] = {}
    found: list[str] = []
    summary: list[str] = []
    for finding, manner in told:
        sentence = _sentence(finding, manner, study.changes.get(finding.name, ""), generator)
        found.append(sentence)
        mentions[finding.name] = -1.0 if manner == "hedged" else 1.0
        if manner == "plain":
            summary.append(_impression(finding, generator))
        elif generator.random() < 0.7:
            summary.append(sentence)
    present = {finding.name for finding, _ in told} | {item.name for item in study.findings}
    found += normal_sentences(present - denied, generator)
    found += denials(present - denied, denied, mentions, generator)
    devices = device_sentences(study, generator)
    found += devices + remarks(study, generator)
    order = generator.permutation(len(found))
    return Told(
        findings=[found[index] for index in order],
        impression=_summary(summary, bool(study.changes), generator),
        mentions=mentions,
        devices=bool(devices),
    )


def _what_is_told(
    study: Study, dials: ReportDials, generator: np.random.Generator
) -> tuple[list[tuple[Finding, str]], set[str]]:
    """Findings with the manner in which each is told, and names denied though present."""
    told: list[tuple[Finding, str]] = []
    denied: set[str] = set()
    for finding in study.findings:
        draws = generator.random(4)
        if draws[0] < dials.label_noise:
            denied.add(finding.name)
        elif draws[1] >= dials.omission:
            hedged, unchanged = draws[2] < dials.hedging, draws[3] < dials.unchanged
            told.append((finding, "hedged" if hedged else "unchanged" if unchanged else "plain"))
    denied -= {finding.name for finding, _ in told}
    if generator.random() < dials.label_noise:
        absent = [name for name in REPORTED if not study.has(name)]
        if absent:
            told.append(
                (_invented(absent[int(generator.integers(len(absent)))], generator), "plain")
            )
    return told, denied


def _invented(name: str, generator: np.random.Generator) -> Finding:
    midline = name in ("Cardiomegaly", "Hernia")
    side = "midline" if midline else ("left", "right")[int(generator.integers(2))]
    zone = "central" if midline else ("upper", "mid", "lower")[int(generator.integers(3))]
    return Finding(name, side, zone, float(generator.random()), 3.0, 0)  # type: ignore[arg-type]


def _sentence(finding: Finding, manner: str, change: str, generator: np.random.Generator) -> str:
    if manner == "hedged":
        forms = grammar.HEDGED.get(finding.name, grammar.COMMON_HEDGED)
    elif manner == "unchanged":
        forms = grammar.UNCHANGED
    elif change and generator.random() < 0.6:
        placeless = finding.name in grammar.PLACELESS
        forms = (grammar.PLACELESS_CHANGED if placeless else grammar.CHANGED)[change]
    else:
        forms = grammar.PRESENT.get(finding.name, grammar.COMMON_PRESENT)
    return grammar.finish(pick(generator, forms).format(**slots(finding, generator)))


def _impression(finding: Finding, generator: np.random.Generator) -> str:
    placeless = finding.name in grammar.PLACELESS
    forms = grammar.IMPRESSION_PLACELESS if placeless else grammar.IMPRESSION_PRESENT
    return grammar.finish(pick(generator, forms).format(**slots(finding, generator)))


def _summary(sentences: list[str], followed: bool, generator: np.random.Generator) -> list[str]:
    if not sentences:
        return []
    if generator.random() < 0.25:
        sentences = [*sentences, pick(generator, grammar_general.NO_OTHER)]
    if followed and generator.random() < 0.1:
        sentences = [pick(generator, grammar_general.NO_CHANGE), *sentences]
    return sentences
