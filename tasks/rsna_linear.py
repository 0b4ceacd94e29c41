"""RSNA Pneumonia: a linear head on the frozen encoder.

| variant | split | head | chosen by |
|---|---|---|---|
| `g2d` | 16,010 / 5,337 / 5,337 of the labelled images, by patient | G2D's | validation |
| `mgca` | the same | MGCA's script | validation |
| `clean` | ours, by patient | logistic regression | the same percent of validation |

G2D (A.4.3): AdamW at 5e-4, weight decay 1e-6, batch 8, 50 epochs with early stopping, encoder
frozen. MGCA's script, which G2D follows, has batch 48. Three things differ here: each image is
encoded once, without random crops; the rate falls by half a cosine; and instead of stopping, the
checkpoint with the best validation AUC is kept.

The counts are MGCA's, which publishes no list, so the images differ from the paper's. `clean` as
in `chexpert_linear`.

The paper's table is titled linear classification, but its MRM row holds the fine-tuned figures of
MRM's own paper.

Source: G2D, NeurIPS 2024, Table 4 and A.4.3; MGCA, NeurIPS 2022.
"""

from __future__ import annotations

from benchmark.recipes import LinearProbeRecipe
from benchmark.specs import TaskSpec

_SOURCE = "G2D 2024, Table 4, Table 6 and A.4.3"
_G2D = LinearProbeRecipe(
    source=_SOURCE,
    split="mgca",
    batch_size=8,
    learning_rates={"1": 5e-4, "10": 5e-4, "100": 5e-4},
    epochs={"1": 50, "10": 50, "100": 50},
    weight_decay=1e-6,
    selection="full_validation",
    evaluations=50,
)

TASK = TaskSpec(
    name="rsna_linear",
    version=1,
    title="Linear probe, RSNA Pneumonia",
    protocol="linear_probe",
    metrics="classification",
    dataset="rsna_pneumonia",
    variants={
        "g2d": _G2D,
        "mgca": _G2D.replaced({"source": "MGCA 2022, official linear probe", "batch_size": 48}),
        "clean": _G2D.replaced(
            {
                "source": "ours: logistic regression on standardised features; split by patient",
                "split": "clean",
                "selection": "matched_fraction",
                "solver": "lbfgs",
                "standardise": True,
                "penalties": (1.0, 0.1, 10.0, 100.0, 1000.0),
            }
        ),
    },
    headline="auc",
    needs="image_features",
    classes=("Lung Opacity",),
    label_percents=(1.0, 10.0, 100.0),
    source="G2D 2024, Table 4",
)
