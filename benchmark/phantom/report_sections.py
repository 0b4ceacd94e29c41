"""A report as four separate texts, the form of Open-i: any may be empty, `XXXX` hides words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.phantom import grammar_frame
from benchmark.phantom.report_layout import normal_impressions, numbered
from benchmark.phantom.reports import tell
from benchmark.phantom.words import pick

if TYPE_CHECKING:
    import numpy as np

    from benchmark.phantom.reports import ReportDials, Told
    from benchmark.phantom.truth import Study

SECTIONS = ("COMPARISON", "INDICATION", "FINDINGS", "IMPRESSION")
EMPTY = {"COMPARISON": 0.16, "INDICATION": 0.02, "FINDINGS": 0.13, "IMPRESSION": 0.01}
"""Share of the reports in which a section is empty, as counted in the real ones."""


def compose_sections(
    study: Study, dials: ReportDials, generator: np.random.Generator
) -> tuple[dict[str, str], Told]:
    """Text by name of `SECTIONS`, and what is told.

    The sentences are those of the MIMIC-CXR form. Where the findings are left empty the impression
    holds them too; where the impression is, the findings are not.

    Args:
        study: What is true.
        dials: How the report departs from it.
        generator: Draws words, order, and which sections are empty.
    """
    told = tell(study, dials, generator)
    impression = told.impression or [pick(generator, normal_impressions(study))]
    empty = {name for name in SECTIONS if generator.random() < EMPTY[name]}
    if not told.findings:
        empty.add("FINDINGS")
    if "FINDINGS" in empty:
        empty.discard("IMPRESSION")
        impression = [*told.findings, *impression]
    letter = study.patient.sex
    reason = pick(generator, grammar_frame.INDICATIONS)
    texts = {
        "COMPARISON": pick(generator, grammar_frame.COMPARISONS),
        "INDICATION": reason.format(sex="woman" if letter == "F" else "man", letter=letter),
        "FINDINGS": " ".join(told.findings),
        "IMPRESSION": numbered(impression, generator),
    }
    hidden = {name: text.replace("___", "XXXX") for name, text in texts.items()}
    return {name: "" if name in empty else hidden[name] for name in SECTIONS}, told
