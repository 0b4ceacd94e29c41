"""Templates of what stands around the findings: examination, indication, technique, comparison."""

from __future__ import annotations

TECHNIQUE: dict[str, tuple[str, ...]] = {
    "PA": ("A frontal view of the chest was obtained.", "Upright PA view of the chest."),
    "AP": (
        "Single AP view of the chest was obtained.",
        "Portable AP radiograph of the chest.",
        "Single portable frontal view of the chest.",
    ),
    "PA+LATERAL": (
        "PA and lateral views of the chest were obtained.",
        "Frontal and lateral radiographs of the chest.",
        "Two views of the chest were reviewed.",
    ),
}
EXAMINATIONS: dict[str, tuple[str, ...]] = {
    "PA": ("CHEST (PA)", "CHEST RADIOGRAPH", "CHEST (SINGLE VIEW)"),
    "AP": ("CHEST (PORTABLE AP)", "CHEST (SINGLE VIEW)", "PORTABLE CHEST"),
    "PA+LATERAL": ("CHEST (PA AND LAT)", "CHEST, TWO VIEWS", "CHEST RADIOGRAPHS"),
}
INDICATIONS = (
    "___ year old {sex} with cough  // evaluate for pneumonia",
    "___ year old {sex} with shortness of breath  // acute process?",
    "___{letter} with chest pain, please evaluate for acute process.",
    "___{letter} with fever // infiltrate?",
    "History: ___{letter} with dyspnea and hypoxia.",
    "___ year old {sex}, preoperative evaluation.",
    "___ year old {sex} with altered mental status // rule out pneumonia",
    "___ year old {sex} after a fall.",
    "___ year old {sex} with known malignancy // interval change",
    "Follow-up.",
)
COMPARISONS = (
    "None.",
    "___.",
    "Chest radiograph of ___.",
    "Radiographs from ___ and ___.",
    "No prior studies are available.",
)
COMPARISONS_OF_FOLLOW_UP = ("Chest radiograph of ___.", "Prior study of ___.", "___.")
ADDENDA = (
    "Findings were discussed with Dr. ___ by telephone at ___ on ___.",
    "The wet reading was sent to the emergency department at ___.",
)


def frame_templates() -> tuple[str, ...]:
    """Every sentence and template of this module; the names of examinations are none."""
    groups = [
        *TECHNIQUE.values(),
        INDICATIONS,
        COMPARISONS,
        COMPARISONS_OF_FOLLOW_UP,
        ADDENDA,
    ]
    return tuple(dict.fromkeys(template for group in groups for template in group))
