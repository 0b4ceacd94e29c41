"""How strongly each finding shows: the dials that the acceptance test was tuned with.

A finding's contrast runs from `faint` at severity 0 to `gross` at severity 1, in cm of water for
solid lesions and as a part of the air replaced for those that fill lung.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmark.phantom.truth import Finding

_FAINT_TO_GROSS: dict[str, tuple[float, float]] = {
    "Atelectasis": (2.4, 4.4),
    "Cardiomegaly": (2.6, 4.4),
    "Effusion": (0.6, 0.95),
    "Infiltration": (0.5, 1.1),
    "Mass": (1.8, 2.8),
    "Nodule": (4.2, 6.4),
    "Pneumonia": (0.34, 0.82),
    "Pneumothorax": (2.0, 3.4),
    "Consolidation": (0.4, 0.8),
    "Edema": (0.7, 1.8),
    "Emphysema": (0.8, 1.6),
    "Fibrosis": (3.8, 5.6),
    "Pleural_Thickening": (5.0, 7.5),
    "Hernia": (2.4, 4.2),
    "Lung Opacity": (0.25, 0.7),
}


def seen_severity(finding: Finding) -> float:
    """Contrast of a finding of this name and severity."""
    faint, gross = _FAINT_TO_GROSS[finding.name]
    return faint + (gross - faint) * finding.severity
