"""Writes Open-i: one XML a report, PNGs of three equal channels, Kaggle's table of views.

Report numbers begin at 900001; the real ones end at 3999.
"""

from __future__ import annotations

from itertools import count, islice
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from benchmark.phantom.population import patient_of
from benchmark.phantom.report_sections import compose_sections
from benchmark.phantom.writers.common import Case, Setting, Written, csv_text
from benchmark.phantom.writers.images import png_bytes, to_bytes
from benchmark.phantom.writers.mimic_cxr import crop

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmark.phantom.reports import Told
    from benchmark.phantom.truth import Finding, Study
    from benchmark.specs import PhantomSize

FOLDER = "open-i"
RULE = (
    "headings are the findings that the report affirms, `Opacity` for those it hedges; a report is "
    "a patient; frontal and lateral views; sections, headings and reports without images are as "
    "often empty as in the real set"
)
SHARE = 0.20
"""Of the phantom's cases."""

FEWEST_CASES = 40
FIRST_REPORT = 900_001
NO_IMAGE_RATE = 0.026
NOT_INDEXED_RATE = 0.024
LONG_ID_RATE = 0.075
"""Share of reports whose image ids have a further group, as in the real set."""

HEADINGS = {
    "Atelectasis": "Pulmonary Atelectasis",
    "Cardiomegaly": "Cardiomegaly",
    "Effusion": "Pleural Effusion",
    "Infiltration": "Infiltrate/lung",
    "Mass": "Mass/lung",
    "Nodule": "Nodule/lung",
    "Pneumonia": "Pneumonia",
    "Pneumothorax": "Pneumothorax",
    "Consolidation": "Consolidation/lung",
    "Edema": "Pulmonary Edema",
    "Emphysema": "Pulmonary Emphysema",
    "Fibrosis": "Pulmonary Fibrosis",
    "Pleural_Thickening": "Thickening/pleura",
    "Hernia": "Hernia, Hiatal",
    "Lung Opacity": "Opacity/lung",
}
_ZONES = {
    "upper": "upper lobe",
    "mid": "middle lobe",
    "lower": "lower lobe",
    "apical": "apex",
    "basal": "base",
    "diffuse": "diffuse",
    "central": "hilum",
}
_ZONELESS = ("Cardiomegaly", "Hernia", "Edema", "Emphysema")
_CAPTIONS = {
    "PA+LATERAL": ("Xray Chest PA and Lateral", "PA and lateral views of the chest dated XXXX."),
    "PA": ("PA chest x-XXXX.", "Chest, single view, frontal"),
    "AP": ("Portable AP chest XXXX, XXXX hours.", "Chest, single view, AP"),
}
_SUFFIXES = {"frontal": ("1001", "0001", "3001"), "lateral": ("2001", "1002", "4001")}


def cases(size: PhantomSize) -> list[Case]:
    """First visits only: nobody is named in Open-i, so a report is a patient."""
    total = max(FEWEST_CASES, round(size.cases * SHARE))
    firsts = (n for n in count() if patient_of(n, size.seed, "open_i")[1] == 0)
    return [
        Case("open_i", "open_i", number, size.prevalence, "mimic", "train")
        for number in islice(firsts, total)
    ]


def report_number(case: Case) -> int:
    """Number in the report's file name and in its `uId`."""
    return FIRST_REPORT + case.number


def write_case(case: Case, setting: Setting) -> Written:
    """Write the report and the images of a study.

    Returns:
        Rows of `projections`: report number, file name in Kaggle's form, projection.
    """
    study, number = setting.study(case), report_number(case)
    random = setting.generator(case, "open_i")
    sections, told = compose_sections(study, setting.dials, setting.generator(case, "report"))
    headings = [] if random.random() < NOT_INDEXED_RATE else mesh_headings(study, told)
    views = () if random.random() < NO_IMAGE_RATE else study.views
    middle = f"IM-{int(random.integers(1, 2500)):04d}"
    if random.random() < LONG_ID_RATE:
        middle += f"-{int(random.integers(1, 10)):04d}"
    style = int(random.integers(3))
    written, names = Written(), []
    for index, view in enumerate(views):
        projection = "lateral" if view.name == "LATERAL" else "frontal"
        stem = f"{number}_{middle}-{_SUFFIXES[projection][style]}"
        picture = to_bytes(crop(setting.drawing(study, index), random).pixels)
        content = png_bytes(np.stack([picture] * 3, axis=-1), setting.tag)
        written.save(setting, f"{FOLDER}/NLMCXR_png/CXR{stem}.png", content)
        written.add("projections", (number, f"{stem}.dcm.png", projection.capitalize()))
        names.append(f"CXR{stem}")
    captions = _CAPTIONS["+".join(view.name for view in study.views)]
    caption = captions[int(random.integers(len(captions)))]
    text = citation(number, sections, headings or ["No Indexing"], names, caption, setting.tag)
    written.save(setting, f"{FOLDER}/ecgen-radiology/{number}.xml", text.encode())
    return written


def mesh_headings(study: Study, told: Told) -> list[str]:
    """Headings such as `Pleural Effusion/base/left/small`; `normal` where there is none."""
    present = {finding.name: finding for finding in study.findings}
    headings = [
        "/".join([HEADINGS[name], *qualifiers(present.get(name))])
        for name, said in told.mentions.items()
        if said == 1.0
    ]
    if any(said == -1.0 for said in told.mentions.values()):
        headings.append(HEADINGS["Lung Opacity"])
    if told.devices:
        headings.append("Medical Device")
    return headings or ["normal"]


def qualifiers(finding: Finding | None) -> list[str]:
    """Place, side and degree; none of a finding that the report affirms and nobody has."""
    if finding is None:
        return []
    zone = [] if finding.name in _ZONELESS else [_ZONES[finding.zone]]
    side = [] if finding.side == "midline" else [finding.side]
    degree = ["mild"] * (finding.severity < 0.33) + ["severe"] * (finding.severity > 0.8)
    return [*zone, *side, *degree]


def citation(
    number: int,
    sections: Mapping[str, str],
    headings: Sequence[str],
    images: Sequence[str],
    caption: str,
    tag: str,
) -> str:
    """One `eCitation`; the address of an image ends in `.jpg`, as in the real ones."""
    texts = [
        f'<AbstractText Label="{name}">{escape(text)}</AbstractText>' if text
        else f'<AbstractText Label="{name}"/>'
        for name, text in sections.items()
    ]  # fmt: skip
    automatic = sorted({heading.split("/")[0].lower() for heading in headings} - {"no indexing"})
    terms = [f"<major>{escape(item)}</major>" for item in headings]
    terms += [f"<automatic>{escape(item)}</automatic>" for item in automatic if item != "normal"]
    parents = [
        line
        for place, name in enumerate(images, 1)
        for line in (
            f"<parentImage id={quoteattr(name)}>",
            f"   <figureId>F{place}</figureId>",
            f"   <caption>{escape(caption)}</caption>",
            f'   <panel type="single"><url>/phantom/{name}.jpg</url></panel>',
            "</parentImage>",
        )
    ]
    lines = [
        f'<uId id="CXR{number}"/>',
        f'<pmcId id="{number}"/>',
        f'<IUXRId id="{number}"/>',
        f"<note>{escape(tag)}</note>",
        '<MedlineCitation Status="synthetic">',
        *("   " + line for line in ("<Article>", "   <Abstract>")),
        *(" " * 9 + line for line in texts),
        *("   " + line for line in ("   </Abstract>", "</Article>")),
        "</MedlineCitation>",
        "<MeSH>",
        *("   " + line for line in terms),
        "</MeSH>",
        *parents,
    ]
    body = "".join(f"   {line}\n" for line in lines)
    return f'<?xml version="1.0" encoding="utf-8"?>\n<eCitation>\n{body}</eCitation>\n'


def write_tables(written: Written, setting: Setting) -> Written:
    """Write Kaggle's table of projections, the only file that tells the view."""
    rows = sorted(written.rows.get("projections", []), key=lambda row: (row[0], row[1]))
    text = csv_text(("uid", "filename", "projection"), rows)
    made = Written()
    made.save(setting, f"{FOLDER}/indiana_projections.csv", text.encode())
    return made
