"""How often each finding occurs, and which findings occur together.

Rates are fractions of studies. `NIH` comes from the published counts of ChestX-ray14 (112,120
images); `MIMIC` imitates how often reports of a hospital mention a finding; `RSNA` positives are
22.5 % of the studies, as in the challenge's training set.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from benchmark.phantom.truth import NIH_CLASSES

Prevalence = Literal["real", "enriched"]
ProfileName = Literal["mimic", "nih", "rsna", "ms_cxr"]

NAMES: tuple[str, ...] = (*NIH_CLASSES, "Lung Opacity")
"""All findings the phantom can draw, in the order of the latent variables."""

OPACITY_NAMES = ("Pneumonia", "Consolidation", "Infiltration", "Lung Opacity")
"""What makes a study of the RSNA profile positive; RSNA negatives hold none of them."""

RSNA_POSITIVE_RATE: Mapping[str, float] = MappingProxyType({"real": 0.225, "enriched": 0.45})

_NIH_COUNTS = {
    "Infiltration": 19894,
    "Effusion": 13317,
    "Atelectasis": 11559,
    "Nodule": 6331,
    "Mass": 5782,
    "Pneumothorax": 5302,
    "Consolidation": 4667,
    "Pleural_Thickening": 3385,
    "Cardiomegaly": 2776,
    "Emphysema": 2516,
    "Edema": 2303,
    "Fibrosis": 1686,
    "Pneumonia": 1431,
    "Hernia": 227,
}
NIH_RATES = {name: count / 112120 for name, count in _NIH_COUNTS.items()}

MIMIC_RATES = {
    "Atelectasis": 0.20,
    "Cardiomegaly": 0.18,
    "Effusion": 0.22,
    "Infiltration": 0.09,
    "Mass": 0.03,
    "Nodule": 0.05,
    "Pneumonia": 0.07,
    "Pneumothorax": 0.05,
    "Consolidation": 0.06,
    "Edema": 0.11,
    "Emphysema": 0.04,
    "Fibrosis": 0.03,
    "Pleural_Thickening": 0.03,
    "Hernia": 0.03,
    "Lung Opacity": 0.08,
}

_NIH_ENRICHED = {name: 0.12 for name in _NIH_COUNTS} | {"Infiltration": 0.15, "Effusion": 0.15}
_MS_CXR = {name: rate / 2 for name, rate in NIH_RATES.items()} | {
    name: 0.17
    for name in (
        "Atelectasis",
        "Cardiomegaly",
        "Consolidation",
        "Edema",
        "Lung Opacity",
        "Effusion",
        "Pneumonia",
        "Pneumothorax",
    )
}
_RSNA_NEGATIVE = {name: rate for name, rate in NIH_RATES.items() if name not in OPACITY_NAMES}

LOADINGS: Mapping[str, tuple[float, float, float, float]] = MappingProxyType(
    {
        #                sick  cardiac infect chronic
        "Atelectasis": (0.55, 0.25, 0.20, 0.00),
        "Cardiomegaly": (0.35, 0.60, 0.00, 0.00),
        "Effusion": (0.50, 0.50, 0.20, 0.00),
        "Infiltration": (0.35, 0.05, 0.50, 0.00),
        "Mass": (0.30, 0.00, 0.00, 0.25),
        "Nodule": (0.25, 0.00, 0.00, 0.30),
        "Pneumonia": (0.35, 0.00, 0.65, 0.00),
        "Pneumothorax": (0.35, 0.00, 0.00, 0.30),
        "Consolidation": (0.40, 0.10, 0.60, 0.00),
        "Edema": (0.40, 0.60, 0.15, 0.00),
        "Emphysema": (0.15, -0.10, 0.00, 0.60),
        "Fibrosis": (0.15, 0.00, 0.00, 0.55),
        "Pleural_Thickening": (0.25, 0.05, 0.00, 0.45),
        "Hernia": (0.15, 0.10, 0.00, 0.10),
        "Lung Opacity": (0.40, 0.00, 0.45, 0.00),
    }
)
"""Weights of four common causes in each finding's latent normal variable; the rest is its own."""


def rates(prevalence: Prevalence, profile: ProfileName) -> dict[str, float]:
    """Rate of each finding; for `rsna` those of the findings that are not opacities."""
    if profile == "rsna":
        return dict(_RSNA_NEGATIVE)
    if profile == "ms_cxr":
        return dict(_MS_CXR)
    if profile == "nih":
        return dict(NIH_RATES if prevalence == "real" else _NIH_ENRICHED)
    if prevalence == "real":
        return dict(MIMIC_RATES)
    return {name: max(0.12, rate) for name, rate in MIMIC_RATES.items()}
