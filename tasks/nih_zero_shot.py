"""Zero-shot classification of the 14 findings of NIH ChestX-ray14, by prompts.

Data: NIH ChestX-ray14. Variant `maco` tests on MaCo's published list (22,432 images; it shares
no patient with the training list); variant `clean` on our own split by patient. The headline is
the mean of the 14 AUCs; a class without a positive is undefined and left out of the mean, which
says over how many classes it runs. Intervals of rare classes are wide (Hernia: 7.8 points).
Prompts and scoring as in `rsna_zero_shot`.

Source: MaCo, Nature Communications 2024, Table 5; official zero-shot script.
"""

from __future__ import annotations

from benchmark.data.sources.nih_cxr14 import CLASSES
from benchmark.recipes import ZeroShotRecipe
from benchmark.specs import TaskSpec

_SOURCE = "MaCo 2024, Table 5; official zero-shot script (resize 224, centre crop)"

TASK = TaskSpec(
    name="nih_zero_shot",
    version=1,
    title="Zero-shot classification, NIH ChestX-ray14",
    protocol="zero_shot",
    metrics="classification",
    dataset="nih_cxr14",
    variants={
        "maco": ZeroShotRecipe(source=_SOURCE, split="maco_lists"),
        "clean": ZeroShotRecipe(source=_SOURCE + "; our split by patient", split="clean"),
    },
    headline="auc",
    needs="zero_shot",
    classes=CLASSES,
    source="MaCo 2024, Table 5",
)
