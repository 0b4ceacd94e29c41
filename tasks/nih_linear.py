"""NIH ChestX-ray14: a linear head on the frozen encoder, 14 findings.

| variant | split | head | chosen by |
|---|---|---|---|
| `clean` | ours, by patient | logistic regression | the same percent of validation |

Ours: no paper of this benchmark prints linear probing on this set. Features are standardised by
those of the training images; the penalty is chosen on validation, as in `chexpert_linear`. Score:
mean AUC over the 14 classes on the test split, as in `nih_classification`.
"""

from __future__ import annotations

from benchmark.data.sources.nih_cxr14 import CLASSES
from benchmark.recipes import LinearProbeRecipe
from benchmark.specs import TaskSpec

TASK = TaskSpec(
    name="nih_linear",
    version=1,
    title="Linear probe, NIH ChestX-ray14",
    protocol="linear_probe",
    metrics="classification",
    dataset="nih_cxr14",
    classes=CLASSES,
    variants={
        "clean": LinearProbeRecipe(
            source="ours: logistic regression on standardised features; split by patient",
            split="clean",
            # For `--recipe linear_probe.solver=adamw`: G2D's, as in the other linear tasks.
            batch_size=8,
            learning_rates={"1": 5e-4, "10": 5e-4, "100": 5e-4},
            epochs={"1": 50, "10": 50, "100": 50},
            selection="matched_fraction",
            solver="lbfgs",
            standardise=True,
            penalties=(1.0, 0.1, 10.0, 100.0, 1000.0),
        ),
    },
    label_percents=(1.0, 10.0, 100.0),
    headline="auc",
    needs="image_features",
    source="ours",
)
