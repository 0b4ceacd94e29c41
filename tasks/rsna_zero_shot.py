"""Zero-shot pneumonia on RSNA: lung opacity or not, by prompts, without any label.

Data: RSNA Pneumonia Detection Challenge; the class is `Lung Opacity` against everything else.

| variant | test images | prompts and score |
|---|---|---|
| `maco` | 3,000 of MaCo's published list, in `stage_2_test_images` | MaCo's |
| `g2d` | 5,337 of the labelled images, as many as MedKLIP's and MGCA's test | CheXzero's, cosine |
| `clean` | a fifth of the labelled images, by patient | MaCo's |

`maco`: prompts of the official code (`tasks/prompts/maco.toml`); the headline AUC uses its score,
softmax over the raw dot products with the mean positive and the mean negative text vector, and
the cosine form is stored beside it. With 3,000 images the 95 % interval of an AUC is about one
point to either side.

`g2d`: the name of the finding against "no" and the name (`tasks/prompts/chexzero.toml`), cosines,
the learned temperature. The paper resizes to 256 px and cuts 224 out of the middle; here the whole
frame is kept. Its F1 and accuracy use the threshold of best F1 on the test labels themselves;
those metrics are called `..._test_threshold_published`, and stand beside those whose threshold
comes from validation.
Which 5,337 images the paper tests on is not published; ours are drawn by patient.

Source: MaCo, Nature Communications 2024, Table 5, official zero-shot script; G2D, NeurIPS 2024,
Table 2b and A.4.2.
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
        "g2d": ZeroShotRecipe(
            source="G2D 2024, Table 2b, Table 6 and A.4.2; prompts of CheXzero",
            split="mgca",
            prompts="chexzero",
            scoring="cosine",
        ),
        "clean": ZeroShotRecipe(source=_SOURCE + "; our split by patient", split="clean"),
    },
    headline="auc",
    needs="zero_shot",
    classes=("Lung Opacity",),
    source="MaCo 2024, Table 5; G2D 2024, Table 2b",
)
