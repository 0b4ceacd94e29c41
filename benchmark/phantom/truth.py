"""What is true of a phantom radiograph: drawn first, then rendered, described and written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

NIH_CLASSES = (
    "Atelectasis",
    "Cardiomegaly",
    "Effusion",
    "Infiltration",
    "Mass",
    "Nodule",
    "Pneumonia",
    "Pneumothorax",
    "Consolidation",
    "Edema",
    "Emphysema",
    "Fibrosis",
    "Pleural_Thickening",
    "Hernia",
)
"""The 14 findings of NIH ChestX-ray14, in the order of the published lists."""

MS_CXR_CLASSES = (
    "Atelectasis",
    "Cardiomegaly",
    "Consolidation",
    "Edema",
    "Lung Opacity",
    "Pleural Effusion",
    "Pneumonia",
    "Pneumothorax",
)

Side = Literal["left", "right", "bilateral", "midline"]
Zone = Literal["upper", "mid", "lower", "apical", "basal", "diffuse", "central"]


@dataclass(frozen=True)
class Finding:
    """One finding of one study.

    Attributes:
        name: One of `NIH_CLASSES`, or `Lung Opacity` (unspecific).
        side: Of the patient (left is on the right of the picture).
        severity: 0 (barely visible) to 1 (gross).
        size_cm: Largest extent at the patient, in cm.
        seed: From which shape and texture are drawn.
    """

    name: str
    side: Side
    zone: Zone
    severity: float
    size_cm: float
    seed: int


@dataclass(frozen=True)
class Patient:
    """Who is imaged. `habitus` is -1 (thin) to 1 (large)."""

    number: int
    sex: Literal["M", "F"]
    age: int
    habitus: float
    seed: int


@dataclass(frozen=True)
class View:
    """One exposure of a study: projection, devices and markers are independent of findings."""

    name: Literal["PA", "AP", "LATERAL"]
    exposure: float
    noise: float
    rotation_degrees: float
    devices: tuple[str, ...] = ()
    marker: str = ""
    seed: int = 0


@dataclass(frozen=True)
class Study:
    """One visit: patient, findings, views."""

    patient: Patient
    number: int
    findings: tuple[Finding, ...]
    views: tuple[View, ...]
    seed: int
    changes: Mapping[str, str] = field(default_factory=dict)
    """By finding name: `unchanged`, `improved`, `worse` or absent (not compared)."""

    def has(self, name: str) -> bool:
        """Whether the named finding is present."""
        return any(finding.name == name for finding in self.findings)


@dataclass(frozen=True)
class Drawing:
    """A rendered view.

    Attributes:
        pixels: (size, size) float32 in [0, 1], bright = dense, before the writer's encoding.
        masks: By index into `Study.findings`: boolean (size, size), empty where not visible.
        lungs: (2, size, size) boolean: right and left lung.
    """

    pixels: np.ndarray
    masks: Mapping[int, np.ndarray]
    lungs: np.ndarray
