"""COVIDx: normal, pneumonia or COVID-19, a linear head on the frozen encoder.

Every image has one of three classes; the head is a softmax over them, the headline the share of
test images whose likeliest class is right. The test set holds 400 images, so its 95 % half-width
is 3 to 5 points.

| variant | split | head | chosen by |
|---|---|---|---|
| `g2d` | G2D's counts, 23,988 / 5,998 / 400, validation by patient | G2D's | validation |
| `mgca` | the same | MGCA's script | validation |
| `mgca_lists` | MGCA's rule, by image: it **leaks** | MGCA's script | validation |
| `clean` | ours, by patient | logistic regression | the same percent of validation |

G2D (A.4.3): AdamW at 5e-4, weight decay 1e-6, batch 8, 50 epochs with early stopping, encoder
frozen. MGCA's script, which G2D follows, has batch 48. Three things differ here: each image is
encoded once, without random crops; the rate falls by half a cosine; and instead of stopping, the
checkpoint with the best validation AUC is kept.

MGCA, which G2D follows, draws a fifth of the training list by image, so patients stand in
training and validation; the test set is the official one. The paper counts 29,986 training
images, lists 9A have 30,130. Lists with two classes (6, those called B, CXR-2 and later) do not
fit this task. `clean` as in `chexpert_linear`.

Source: G2D, NeurIPS 2024, Table 4 and A.4.3; MGCA, NeurIPS 2022.
"""

from __future__ import annotations

from benchmark.data.sources.covidx import MGCA_LISTS, THREE_CLASSES
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
    target="one_of_many",
)

TASK = TaskSpec(
    name="covidx_linear",
    version=1,
    title="Linear probe, COVIDx",
    protocol="linear_probe",
    metrics="classification",
    dataset="covidx",
    variants={
        "g2d": _G2D,
        "mgca": _G2D.replaced({"source": "MGCA 2022, official linear probe", "batch_size": 48}),
        "mgca_lists": _G2D.replaced(
            {
                "source": "MGCA 2022, official linear probe and its rule for validation",
                "split": MGCA_LISTS,
                "batch_size": 48,
            }
        ),
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
    headline="accuracy_argmax",
    needs="image_features",
    classes=THREE_CLASSES,
    label_percents=(1.0, 10.0, 100.0),
    source="G2D 2024, Table 4",
)
