"""How a report lies on the page: sections, headers, wrapping, and the awkward forms of real ones.

The form is that of MIMIC-CXR's text files: a centred FINAL REPORT line, then body lines that begin
with one space and have at most 79 characters; blank lines are one space; `___` hides dates,
names and ages.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from benchmark.phantom import grammar_frame, grammar_general
from benchmark.phantom.words import pick

if TYPE_CHECKING:
    import numpy as np

    from benchmark.phantom.truth import Study

LINE_WIDTH = 79
"""Longest line of a report, in characters, its leading space included."""

_SHAPES = {"full": 0.80, "impression_only": 0.09, "findings_only": 0.07, "no_header": 0.02}
"""Share of each shape; what is left is `swapped_names`."""

_REASON = ("INDICATION", "INDICATION", "INDICATION", "REASON FOR EXAM", "HISTORY", "INDICATIONS")
_ODD_FINDINGS = ("CHEST, TWO VIEWS", "FINDNGS", "REPORT")
_ODD_IMPRESSION = ("CONCLUSION", "IMPRESION", "IMPRESSIONS")


def lay_out(
    study: Study, findings: list[str], impression: list[str], generator: np.random.Generator
) -> str:
    """The whole text of a report.

    Args:
        study: Whose views and patient the head of the report speaks of.
        findings: Sentences of the FINDINGS section.
        impression: Sentences of the IMPRESSION section; empty for a study called normal.
        generator: Draws the shape and the headers.
    """
    shape = _draw_shape(generator)
    if not findings:
        shape = "impression_only"
    says_normal = not impression
    if says_normal:
        impression = [pick(generator, normal_impressions(study))]
    blocks = _head(study, generator)
    body = " ".join(findings)
    if shape == "impression_only":
        blocks.append(_section("IMPRESSION", " ".join([*findings, *impression]), generator))
    elif shape == "findings_only":
        blocks.append(_section("FINDINGS", body, generator))
    elif shape == "no_header":
        blocks.append(_wrap(body))
    else:
        odd = shape == "swapped_names"
        names = (
            pick(generator, _ODD_FINDINGS) if odd else "FINDINGS",
            pick(generator, _ODD_IMPRESSION) if odd else "IMPRESSION",
        )
        blocks.append(_section(names[0], body, generator))
        blocks.append(_section(names[1], numbered(impression, generator), generator))
    lines = ["FINAL REPORT".rjust(45)]
    if generator.random() < 0.02:
        lines = [*_addendum(generator), *lines]
    for index, block in enumerate(blocks):
        lines += ([" "] if index else []) + block
    return "\n".join(lines) + "\n"


def _draw_shape(generator: np.random.Generator) -> str:
    threshold = generator.random()
    for name, share in _SHAPES.items():
        if threshold < share:
            return name
        threshold -= share
    return "swapped_names"


def normal_impressions(study: Study) -> tuple[str, ...]:
    """A study with findings that the report leaves out is not called normal outright."""
    if study.findings:
        return ("As above.", "See findings.", "As described.")
    return grammar_general.NORMAL_IMPRESSIONS


def _head(study: Study, generator: np.random.Generator) -> list[list[str]]:
    views = "+".join(view.name for view in study.views)
    kind = views if views in grammar_frame.EXAMINATIONS else study.views[0].name
    woman = study.patient.sex == "F"
    reason = pick(generator, grammar_frame.INDICATIONS).format(
        sex="woman" if woman else "man", letter="F" if woman else "M"
    )
    comparisons = (
        grammar_frame.COMPARISONS_OF_FOLLOW_UP if study.changes else grammar_frame.COMPARISONS
    )
    blocks = []
    if generator.random() < 0.85:
        exam = pick(generator, grammar_frame.EXAMINATIONS[kind])
        blocks.append([f" EXAMINATION:  {exam}"])
    blocks.append(_wrap(f"{pick(generator, _REASON)}:  {reason}"))
    if generator.random() < 0.3:
        blocks.append(_wrap("TECHNIQUE:  " + pick(generator, grammar_frame.TECHNIQUE[kind])))
    if generator.random() < 0.8:
        blocks.append([f" COMPARISON:  {pick(generator, comparisons)}"])
    return blocks


def _section(name: str, text: str, generator: np.random.Generator) -> list[str]:
    if generator.random() < 0.6:
        return [f" {name}: ", " ", *_wrap(text)]
    return _wrap(f"{name}:  {text}")


def numbered(sentences: list[str], generator: np.random.Generator) -> str:
    """Sentences in a row, several of them sometimes as a numbered list."""
    if len(sentences) > 1 and generator.random() < 0.3:
        return "  ".join(f"{index}. {text}" for index, text in enumerate(sentences, 1))
    return " ".join(sentences)


def _addendum(generator: np.random.Generator) -> list[str]:
    text = pick(generator, grammar_frame.ADDENDA)
    return [*_wrap(f"ADDENDUM  {text}"), " ", " " + "_" * (LINE_WIDTH - 1)]


def _wrap(text: str) -> list[str]:
    lines = textwrap.wrap(
        text,
        LINE_WIDTH - 1,
        break_long_words=False,
        break_on_hyphens=False,
        replace_whitespace=False,
        drop_whitespace=True,
    )
    return [" " + line for line in lines]
