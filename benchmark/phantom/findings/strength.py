"""How strongly each finding shows: the dials that the acceptance test was tuned with.

A finding's contrast runs from `faint` at severity 0 to `gross` at severity 1, in cm of water for
solid lesions and as a part of the air replaced for those that fill lung.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmark.phantom.truth import Finding

_FAINT_TO_GROSS: dict[str, tuple[float, float]] = {
    "Atelectasis": (1.4, 3.2),
    "Cardiomegaly": (0.9, 2.4),
    "Effusion": (0.6, 0.95),
    "Infiltration": (0.3, 0.85),
    "Mass": (0.7, 1.4),
    "Nodule": (1.3, 2.8),
    "Pneumonia": (0.28, 0.75),
    "Pneumothorax": (1.2, 2.2),
    "Consolidation": (0.4, 0.8),
    "Edema": (0.5, 1.5),
    "Emphysema": (0.6, 1.4),
    "Fibrosis": (1.2, 2.6),
    "Pleural_Thickening": (1.5, 3.4),
    "Hernia": (1.8, 3.6),
    "Lung Opacity": (0.25, 0.7),
}


def seen_severity(finding: Finding) -> float:
    """Contrast of a finding of this name and severity."""
    faint, gross = _FAINT_TO_GROSS[finding.name]
    return faint + (gross - faint) * finding.severity
