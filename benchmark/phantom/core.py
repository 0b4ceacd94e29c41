"""MIMIC-CXR, MS-CXR, NIH ChestX-ray14 and RSNA: one allotment, drawn together, frozen.

The module offers what a writer of a single data set offers, so that both are drawn alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.phantom.allotment import allot
from benchmark.phantom.writers import mimic_cxr, ms_cxr, nih_cxr14, rsna_pneumonia
from benchmark.phantom.writers.common import Case, Setting, Written

if TYPE_CHECKING:
    from benchmark.specs import PhantomSize

RULES = {
    "mimic": "labels are what the report mentions; JPEG, histogram-equalised, slightly cropped",
    "ms_cxr": "boxes in pixels of the JPEG; MS-CXR patients are those drawn with that profile",
    "nih": "boxes in the official 1024 x 1024 frame, only test images, no bilateral findings",
    "rsna": "positive = visible consolidation, pneumonia, infiltration or unspecific opacity; "
    "boxes in pixels of the DICOM; labels of test images stand in the lists alone",
    "test sets": "NIH and RSNA tests are enriched whatever the prevalence",
}
_WRITE_CASE = {
    "mimic": mimic_cxr.write_case,
    "nih": nih_cxr14.write_case,
    "rsna": rsna_pneumonia.write_case,
}


def cases(size: PhantomSize) -> list[Case]:
    """All cases of the four data sets."""
    return allot(size)


def write_case(case: Case, setting: Setting) -> Written:
    """Write one case in the layout that it names."""
    return _WRITE_CASE[case.layout](case, setting)


def write_tables(written: Written, setting: Setting) -> Written:
    """Write the tables and lists of all four."""
    made = Written()
    for writer in (mimic_cxr, ms_cxr, nih_cxr14, rsna_pneumonia):
        made.merge(writer.write_tables(written, setting))
    return made


def counts(written: Written) -> dict[str, int]:
    """Images, boxes and pairs, from the rows of the tables."""
    pairs = written.rows.get("ms_cxr", [])
    return {
        "mimic_images": len(written.rows.get("metadata", [])),
        "ms_cxr_boxes": len(pairs),
        "ms_cxr_pairs": len({(row[0], row[1], row[2]) for row in pairs}),
        "nih_images": len(written.rows.get("nih", [])),
        "nih_boxes": len(written.rows.get("nih_boxes", [])),
        "rsna_images": len(written.rows.get("rsna", [])),
    }
