"""Sentences that name no finding as present: normal anatomy, denials, devices, image quality."""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.phantom.words import LUNG_FINDINGS


@dataclass(frozen=True)
class NormalStatement:
    """A statement of normal anatomy.

    Attributes:
        region: Of these, a report makes at most one statement each.
        contradicted_by: It is not made where one of these findings is present.
        sentences: Ways to say it.
    """

    region: str
    contradicted_by: frozenset[str]
    sentences: tuple[str, ...]


NORMAL = (
    NormalStatement(
        "heart",
        frozenset({"Cardiomegaly"}),
        (
            "The heart is normal in size.",
            "Heart size is normal.",
            "The cardiac silhouette is within normal limits.",
            "The heart is not enlarged.",
            "Cardiac size is normal.",
            "The cardiac contour is unremarkable.",
            "The heart is of normal size and shape.",
        ),
    ),
    NormalStatement(
        "lungs",
        LUNG_FINDINGS,
        (
            "The lungs are clear.",
            "Both lungs are clear.",
            "Lungs are well expanded and clear.",
            "The lungs are well aerated and clear bilaterally.",
            "Clear lungs.",
            "The lung fields are clear on both sides.",
            "The lungs remain clear.",
            "Normally inflated lungs, which are clear.",
        ),
    ),
    NormalStatement(
        "pleura",
        frozenset({"Effusion", "Pneumothorax", "Pleural_Thickening"}),
        (
            "The pleural surfaces are normal.",
            "The costophrenic angles are sharp.",
            "The pleural spaces are unremarkable.",
            "Both costophrenic angles are clear.",
        ),
    ),
    NormalStatement(
        "vessels",
        frozenset({"Edema"}),
        (
            "Pulmonary vasculature is normal.",
            "The pulmonary vessels are not congested.",
            "Pulmonary vascularity is within normal limits.",
        ),
    ),
    NormalStatement(
        "mediastinum",
        frozenset({"Cardiomegaly", "Hernia", "Mass"}),
        (
            "The mediastinal and hilar contours are unremarkable.",
            "Mediastinal contours are normal.",
            "The hilar and mediastinal silhouettes are within normal limits.",
            "The mediastinum is not widened.",
            "Normal appearance of the hila and mediastinum.",
        ),
    ),
    NormalStatement(
        "heart_and_lungs",
        LUNG_FINDINGS | {"Cardiomegaly"},
        (
            "Heart size is normal and the lungs are clear.",
            "The heart and lungs are normal.",
            "Normal heart, clear lungs.",
        ),
    ),
    NormalStatement(
        "bones",
        frozenset(),
        (
            "Osseous structures are unremarkable.",
            "The imaged bones are intact.",
            "Bony structures of the thorax are intact.",
            "No acute osseous abnormality.",
            "The ribs and clavicles are intact.",
        ),
    ),
    NormalStatement(
        "abdomen",
        frozenset({"Hernia"}),
        (
            "The upper abdomen is unremarkable.",
            "The imaged upper abdomen is normal.",
            "The hemidiaphragms are well seen and the gastric bubble is in place.",
        ),
    ),
    NormalStatement(
        "diaphragm",
        frozenset({"Effusion", "Hernia", "Atelectasis"}),
        ("The diaphragm has a normal contour.", "The hemidiaphragms are smooth."),
    ),
)

DENIALS_OF_ONE = (
    "{d0} is not seen.",
    "{d0} is not identified.",
    "The chest is free of {d0}.",
    "Without {d0}.",
    "{d0} is absent.",
    "{d0} has not developed.",
)
DENIALS_OF_TWO = (
    "No {d0} or {d1}.",
    "Neither {d0} nor {d1} is seen.",
    "Free of {d0} and of {d1}.",
    "{d0} and {d1} are not identified.",
    "No {d0} and no {d1} are seen.",
    "Without {d0} or {d1}.",
)
DENIALS_OF_THREE = (
    "No {d0}, {d1}, or {d2}.",
    "{d0}, {d1} and {d2} are not seen.",
    "The lungs and pleura are free of {d0}, {d1} and {d2}.",
    "Without {d0}, {d1} or {d2}.",
)
DENIED_OFTEN = ("Pneumothorax", "Effusion", "Consolidation", "Edema", "Pneumonia")
DENIED_SELDOM = (
    "Infiltration",
    "Nodule",
    "Mass",
    "Atelectasis",
    "Lung Opacity",
    "Cardiomegaly",
    "Emphysema",
    "Fibrosis",
    "Pleural_Thickening",
    "Hernia",
)
LOOK_ALIKES = (
    frozenset({"Infiltration", "Pneumonia", "Consolidation", "Lung Opacity", "Atelectasis"}),
    frozenset({"Nodule", "Mass", "Lung Opacity"}),
)
"""A finding is not denied where one that looks like it is present."""

DEVICES: dict[str, tuple[str, ...]] = {
    "pacemaker": (
        "A dual-lead pacemaker is in place.",
        "Pacemaker leads end in the right atrium and right ventricle.",
        "Left-sided pacing device with unchanged leads.",
    ),
    "sternotomy_wires": (
        "Median sternotomy wires are intact.",
        "The patient is status post median sternotomy.",
        "Sternal wires are aligned.",
    ),
    "port": (
        "A chest wall port is in place with its tip in the superior vena cava.",
        "Port-A-Cath projects over the chest wall.",
    ),
    "endotracheal_tube": (
        "The endotracheal tube ends ___ cm above the carina.",
        "An ET tube is in standard position.",
        "The patient is intubated, tube position is satisfactory.",
    ),
    "enteric_tube": (
        "An enteric tube courses below the diaphragm.",
        "A nasogastric tube passes into the stomach.",
        "The feeding tube tip is beyond the lower edge of the film.",
    ),
    "central_line": (
        "A central venous catheter ends in the superior vena cava.",
        "The central line tip projects over the cavoatrial junction.",
        "A central catheter is in satisfactory position.",
    ),
    "ecg_leads": (
        "ECG leads overlie the chest.",
        "Monitoring leads project over the thorax.",
    ),
}

REMARKS: dict[str, tuple[str, ...]] = {
    "rotated": ("The patient is slightly rotated.", "Patient rotation is noted."),
    "large": ("The study is limited by body habitus.",),
    "noisy": ("Image quality is slightly degraded.", "The film is somewhat grainy."),
    "exposure": ("Exposure is not optimal.",),
}
NORMAL_IMPRESSIONS = (
    "No acute cardiopulmonary process.",
    "No acute cardiopulmonary abnormality.",
    "Normal chest radiograph.",
    "Normal chest.",
    "No acute intrathoracic process.",
    "Unremarkable chest radiograph.",
    "Clear lungs and normal heart size.",
    "No acute abnormality in the chest.",
    "No radiographic explanation for the symptoms.",
)
NO_OTHER = (
    "Otherwise no acute abnormality.",
    "No other acute process.",
    "The remainder of the chest is unremarkable.",
)
NO_CHANGE = (
    "No significant interval change.",
    "No change since the prior study.",
    "Similar to the prior examination.",
)


def general_templates() -> tuple[str, ...]:
    """Every sentence and template of this module."""
    groups = [
        *(statement.sentences for statement in NORMAL),
        DENIALS_OF_ONE,
        DENIALS_OF_TWO,
        DENIALS_OF_THREE,
        *DEVICES.values(),
        *REMARKS.values(),
        NORMAL_IMPRESSIONS,
        NO_OTHER,
        NO_CHANGE,
    ]
    return tuple(dict.fromkeys(template for group in groups for template in group))
