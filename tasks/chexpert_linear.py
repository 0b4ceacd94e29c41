"""CheXpert: a linear head on the frozen encoder, five competition classes.

| variant | split | head | chosen by |
|---|---|---|---|
| `g2d` | frontal: 186,027 / 5,000 / 202 (official validation as test) | G2D's | validation |
| `mgca` | the same | MGCA's script | validation |
| `clean` | ours, by patient | logistic regression | the same percent of validation |

G2D (A.4.3): AdamW at 5e-4, weight decay 1e-6, batch 8, 50 epochs with early stopping, encoder
frozen. MGCA's script, which G2D follows, has batch 48. Three things differ here: each image is
encoded once, without random crops; the rate falls by half a cosine; and instead of stopping, the
checkpoint with the best validation AUC is kept.

`clean` standardises the features and solves the logistic regression to its end, with the penalty
chosen on the same percent of the validation set as of the training set; no rate and no number of
epochs can then favour one encoder. Labels as in `chexpert_classification`. With 202 test images
the 95 % half-width of one class is 5 to 8 points.

The paper's table is titled linear classification, but its MRM row holds the fine-tuned figures of
MRM's own paper.

Source: G2D, NeurIPS 2024, Table 4 and A.4.3; MGCA, NeurIPS 2022.
"""

from __future__ import annotations

from benchmark.data.sources.chexpert import COMPETITION
from benchmark.recipes import LinearProbeRecipe
from benchmark.specs import TaskSpec

_SOURCE = "G2D 2024, Table 4, Table 6 and A.4.3"
_G2D = LinearProbeRecipe(
    source=_SOURCE,
    split="g2d",
    batch_size=8,
    learning_rates={"1": 5e-4, "10": 5e-4, "100": 5e-4},
    epochs={"1": 50, "10": 50, "100": 50},
    weight_decay=1e-6,
    selection="full_validation",
    evaluations=50,
    unmentioned_labels="negative",
    uncertain_labels="positive",
    uncertain_by_class={"Cardiomegaly": "negative", "Consolidation": "negative"},
    truth_labels="as_training",
)

TASK = TaskSpec(
    name="chexpert_linear",
    version=1,
    title="Linear probe, CheXpert",
    protocol="linear_probe",
    metrics="classification",
    dataset="chexpert",
    variants={
        "g2d": _G2D,
        "mgca": _G2D.replaced({"source": "MGCA 2022, official linear probe", "batch_size": 48}),
        "clean": _G2D.replaced(
            {
                "source": "ours: logistic regression on standardised features; split by patient",
                "split": "clean",
                "selection": "matched_fraction",
                "uncertain_labels": "ignore",
                "uncertain_by_class": {},
                "solver": "lbfgs",
                "standardise": True,
                "penalties": (1.0, 0.1, 10.0, 100.0, 1000.0),
            }
        ),
    },
    headline="auc",
    needs="image_features",
    classes=COMPETITION,
    label_percents=(1.0, 10.0, 100.0),
    source="G2D 2024, Table 4",
)
