"""How strongly each finding shows: the dials that the acceptance test was tuned with.

A finding's contrast runs from `faint` at severity 0 to `gross` at severity 1, in cm of water for
solid lesions and as a part of the air replaced for those that fill lung.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmark.phantom.truth import Finding

_FAINT_TO_GROSS: dict[str, tuple[float, float]] = {
    "Atelectasis": (0.7, 2.6),
    "Cardiomegaly": (0.0, 1.0),
    "Effusion": (0.45, 0.85),
    "Infiltration": (0.12, 0.50),
    "Mass": (0.35, 1.0),
    "Nodule": (0.6, 1.3),
    "Pneumonia": (0.14, 0.55),
    "Pneumothorax": (0.5, 1.1),
    "Consolidation": (0.3, 0.75),
    "Edema": (0.25, 1.0),
    "Emphysema": (0.3, 1.0),
    "Fibrosis": (0.5, 1.6),
    "Pleural_Thickening": (0.8, 2.6),
    "Hernia": (0.8, 2.6),
    "Lung Opacity": (0.15, 0.50),
}


def seen_severity(finding: Finding) -> float:
    """Contrast of a finding of this name and severity."""
    faint, gross = _FAINT_TO_GROSS[finding.name]
    return faint + (gross - faint) * finding.severity
