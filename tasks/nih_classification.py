"""NIH ChestX-ray14: 14 findings, fine-tuned end to end.

The image encoder and a linear head on the mean of its patches are trained on 1, 10 or 100 % of
the training labels. Score: mean AUC over the 14 classes on the test split.

Variants: `maco` uses the published lists of the MaCo repository (70/10/20 by patient) and selects
the checkpoint on the whole validation list; `clean` uses our own split by patient and a validation
set of the same fraction as the training set.
"""

from benchmark.data.sources.nih_cxr14 import CLASSES
from benchmark.recipes import FineTuneRecipe
from benchmark.specs import TaskSpec

MACO = FineTuneRecipe(
    source="official MaCo code, fine-tuning script for NIH; MaCo (2024), Methods",
    split="maco_lists",
    image_size=224,
    batch_size=96,
    learning_rates={"1": 8.5e-3, "10": 3e-3, "100": 3e-3},
    steps={"1": 2000, "10": 30000, "100": 200000},
    warmup_steps={"1": 50, "10": 500, "100": 5000},
    selection="full_validation",
)

TASK = TaskSpec(
    name="nih_classification",
    version=1,
    title="NIH ChestX-ray14 classification",
    protocol="fine_tune",
    metrics="classification",
    dataset="nih_cxr14",
    classes=CLASSES,
    variants={
        "maco": MACO,
        "clean": MACO.replaced({"split": "clean", "selection": "matched_fraction"}),
    },
    label_percents=(1, 10, 100),
    headline="auc",
    needs="fine_tune",
    source="MaCo (Nature Communications 2024), Tables 1 and 2",
)
