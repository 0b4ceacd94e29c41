"""Zero-shot pneumonia on RSNA: lung opacity or not, by prompts, without any label.

Data: RSNA Pneumonia Detection Challenge; the class is `Lung Opacity` against everything else.
Variant `maco` tests on the 3,000 images of MaCo's published list, which lie in
`stage_2_test_images`; variant `clean` on our own split by patient. Prompts are those of the
official code (`tasks/prompts/maco.toml`). The headline AUC uses the official score: softmax over
the raw dot products with the mean positive and the mean negative text vector; the cosine form is
stored beside it. With 3,000 images the 95 % interval of an AUC is about one point to either side.

Source: MaCo, Nature Communications 2024, Table 5; official zero-shot script.
"""

from __future__ import annotations

from benchmark.recipes import ZeroShotRecipe
from benchmark.specs import TaskSpec

_SOURCE = "MaCo 2024, Table 5; official zero-shot script (resize 224, centre crop)"

TASK = TaskSpec(
    name="rsna_zero_shot",
    version=1,
    title="Zero-shot classification, RSNA Pneumonia",
    protocol="zero_shot",
    metrics="classification",
    dataset="rsna_pneumonia",
    variants={
        "maco": ZeroShotRecipe(source=_SOURCE, split="maco_lists"),
        "clean": ZeroShotRecipe(source=_SOURCE + "; our split by patient", split="clean"),
    },
    headline="auc",
    needs="zero_shot",
    classes=("Lung Opacity",),
    source="MaCo 2024, Table 5",
)
