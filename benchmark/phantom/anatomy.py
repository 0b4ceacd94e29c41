"""The body that is imaged: its dimensions in cm, and how it lies in the picture.

Body coordinates are in cm: x to the right of the picture (the patient's left in a frontal view,
the patient's back in a lateral one), y downwards from the apex of the lungs. Normal variation is
wide on purpose: a lesion must be seen, not read off the mean brightness of a region.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from benchmark.seeds import generator_from

if TYPE_CHECKING:
    from benchmark.phantom.truth import Finding, Study, View


@dataclass(frozen=True)
class Anatomy:
    """Dimensions in cm, of one patient at one exposure.

    Attributes:
        half_width: Largest distance of a lung's lateral wall from the midline.
        domes: Height y of the right and left hemidiaphragm's top.
        dome_arch: How far a dome falls from its top to the lateral wall.
        heart_width: Transverse diameter of the heart.
        heart_shift: Of heart and mediastinum towards the patient's left.
        mediastinum: Half width of the upper mediastinum.
        thickness: Of the body from front to back, water equivalent.
        air: Water equivalent taken away by a cm of lung.
        vessels: Gain of the lung vessels.
        field: Side of the square picture at the body.
        centre: Body point (x, y) at the picture's centre.
    """

    lateral: bool
    female: bool
    half_width: float
    domes: tuple[float, float]
    dome_arch: float
    heart_width: float
    heart_shift: float
    mediastinum: float
    thickness: float
    depth: float
    air: float
    vessels: float
    fat: float
    field: float
    centre: tuple[float, float]
    angle: float

    @property
    def height(self) -> float:
        """From the apex to the mean of the domes."""
        return (self.domes[0] + self.domes[1]) / 2


def draw_anatomy(study: Study, view: View) -> Anatomy:
    """The patient's body (the same in every study) at this exposure, before findings act."""
    body = generator_from("anatomy", study.patient.seed)
    female = study.patient.sex == "F"
    habitus = study.patient.habitus
    scale = float(np.clip(body.normal(1.0, 0.07), 0.82, 1.18)) * (0.96 if female else 1.02)
    ratio = float(np.clip(body.normal(0.455, 0.042), 0.36, 0.56))
    height = 22.0 * scale * float(np.clip(body.normal(1.0, 0.06), 0.85, 1.15))
    width = 13.4 * scale * float(np.clip(body.normal(1.0, 0.04), 0.9, 1.1))
    left_lower = float(np.clip(body.normal(0.9, 1.0), -1.0, 3.0))
    arch = float(np.clip(body.normal(4.2, 1.0), 2.2, 6.6))
    mediastinum = float(np.clip(body.normal(2.6, 0.3), 2.0, 3.4))
    depth = float(np.clip(body.normal(1.0, 0.08), 0.8, 1.2))

    random = generator_from("pose", view.seed)
    bedside = view.name == "AP"
    breath = float(np.clip(random.normal(-0.8 if bedside else 0.2, 1.1), -3.2, 2.4))
    top = height + breath
    lateral = view.name == "LATERAL"
    field = float(np.clip(random.normal(37.5 + 1.5 * habitus, 3.2), 31, 46))
    return Anatomy(
        lateral=lateral,
        female=female,
        half_width=width * (0.86 if lateral else 1.0),
        domes=(top, top + left_lower),
        dome_arch=arch * (1 + 0.10 * breath),
        heart_width=2 * width * ratio * (1.07 if bedside else 1.0) * (1 - 0.02 * breath),
        heart_shift=float(random.normal(0, 0.8)),
        mediastinum=mediastinum * (1.12 if bedside else 1.0),
        thickness=21.0 + 3.5 * habitus,
        depth=depth,
        air=0.72 + float(random.normal(0, 0.03)),
        vessels=float(np.clip(random.normal(1.0, 0.25), 0.5, 1.6)),
        fat=1.5 + 1.6 * (habitus + 1) * 0.9,
        field=field,
        centre=(float(random.normal(0, 1.7)), top * 0.5 + 1.4 + float(random.normal(0, 2.2))),
        angle=float(np.deg2rad(view.rotation_degrees)),
    )


def with_findings(anatomy: Anatomy, findings: tuple[Finding, ...]) -> Anatomy:
    """The same body after findings that move borders: heart size, domes, mediastinum."""
    for finding in findings:
        change = _CHANGES.get(finding.name)
        if change is not None:
            anatomy = change(anatomy, finding)
    return anatomy


def _large_heart(anatomy: Anatomy, finding: Finding) -> Anatomy:
    growth = 1.03 + 0.12 * finding.severity
    return replace(anatomy, heart_width=anatomy.heart_width * growth)


def _volume_loss(anatomy: Anatomy, finding: Finding) -> Anatomy:
    lift = (0.1 + 0.6 * finding.severity) * (1.0 if finding.zone == "lower" else 0.4)
    right, left = anatomy.domes
    shift = anatomy.heart_shift
    if finding.side in ("right", "bilateral"):
        right -= lift
    if finding.side in ("left", "bilateral"):
        left -= lift
    if finding.side != "bilateral":
        shift += (0.5 if finding.side == "left" else -0.5) * lift
    return replace(anatomy, domes=(right, left), heart_shift=shift)


def _inflated(anatomy: Anatomy, finding: Finding) -> Anatomy:
    grade = 0.4 + 0.6 * finding.severity
    right, left = anatomy.domes
    return replace(
        anatomy,
        domes=(right + 0.1 * grade, left + 0.1 * grade),
        dome_arch=anatomy.dome_arch * (1 - 0.25 * grade),
        vessels=anatomy.vessels * (1 - 0.10 * grade),
    )


def _scarred(anatomy: Anatomy, finding: Finding) -> Anatomy:
    lift = 0.5 * finding.severity if finding.zone == "basal" else 0.0
    right, left = anatomy.domes
    return replace(anatomy, domes=(right - lift, left - lift))


_CHANGES = {
    "Cardiomegaly": _large_heart,
    "Atelectasis": _volume_loss,
    "Emphysema": _inflated,
    "Fibrosis": _scarred,
}
