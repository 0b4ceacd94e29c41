"""Fine-tuning on RSNA Pneumonia with 1, 10 and 100 % of the labels.

The image encoder is fine-tuned end to end; a linear head sits on the normalised mean of the
patches. SGD with momentum 0.9, linear warm-up and cosine by step, gradient clip 1.0, batch 96,
drop-path 0.1, random resized crop and flip. The rates and steps per label fraction are the
official code's.

Variant `maco` uses the published lists (251 / 2,518 / 25,184 training, 1,500 validation, 3,000
test images) and lets the whole validation set choose the checkpoint, as the paper does. Variant
`clean` uses our split by patient, and the checkpoint is chosen on the same percent of the
validation set as of the training set: 1 % labels then mean 1 % of all labels.

Source: MaCo, Nature Communications 2024, Table 1; official fine-tuning script.
"""

from __future__ import annotations

from benchmark.recipes import FineTuneRecipe
from benchmark.specs import TaskSpec

_SOURCE = "MaCo 2024, Table 1; official fine-tuning script, its RSNA rates and steps"
_MACO = FineTuneRecipe(
    source=_SOURCE,
    split="maco_lists",
    batch_size=96,
    learning_rates={"1": 6.5e-3, "10": 6e-4, "100": 5e-4},
    steps={"1": 2000, "10": 10000, "100": 50000},
    warmup_steps={"1": 50, "10": 200, "100": 2000},
    selection="full_validation",
)

TASK = TaskSpec(
    name="rsna_classification",
    version=1,
    title="Fine-tuned classification, RSNA Pneumonia",
    protocol="fine_tune",
    metrics="classification",
    dataset="rsna_pneumonia",
    variants={
        "maco": _MACO,
        "clean": _MACO.replaced({"split": "clean", "selection": "matched_fraction"}),
    },
    headline="auc",
    needs="fine_tune",
    classes=("Lung Opacity",),
    label_percents=(1.0, 10.0, 100.0),
    source="MaCo 2024, Table 1",
)
