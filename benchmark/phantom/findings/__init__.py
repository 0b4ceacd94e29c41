"""Painters of the findings: each adds its shadow to a scene and returns its exact mask.

Borders that a finding moves (heart, diaphragm) are in `benchmark.phantom.anatomy`. Strengths are
in `benchmark.phantom.findings.strength`: the dials of the phantom's acceptance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmark.phantom.findings import chronic, focal, opacity, pleural, whole
from benchmark.phantom.findings.strength import seen_severity
from benchmark.seeds import generator_from

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmark.phantom.heart import Centre
    from benchmark.phantom.scene import Mask, Scene
    from benchmark.phantom.truth import Finding

    Painter = Callable[[Finding, Scene, Centre, float, np.random.Generator], Mask]

PAINTERS: dict[str, Painter] = {
    "Atelectasis": focal.atelectasis,
    "Cardiomegaly": whole.cardiomegaly,
    "Effusion": pleural.effusion,
    "Infiltration": opacity.infiltration,
    "Mass": focal.mass,
    "Nodule": focal.nodule,
    "Pneumonia": opacity.pneumonia,
    "Pneumothorax": pleural.pneumothorax,
    "Consolidation": opacity.consolidation,
    "Edema": whole.edema,
    "Emphysema": chronic.emphysema,
    "Fibrosis": chronic.fibrosis,
    "Pleural_Thickening": pleural.thickening,
    "Hernia": focal.hernia,
    "Lung Opacity": opacity.unspecific,
}
"""By finding name; `(finding, scene, centre, strength, random)`."""


def paint(finding: Finding, scene: Scene, centre: Centre) -> Mask:
    """Paint one finding into the scene.

    Args:
        finding: Its seed gives shape and texture, the same in every view.
        scene: Its `shadow` and `vessel_gain` are changed in place.
        centre: Heart and mediastinum of the scene.

    Returns:
        (size, size) boolean, where the finding is.
    """
    random = generator_from("finding", finding.seed)
    return PAINTERS[finding.name](finding, scene, centre, seen_severity(finding), random)
