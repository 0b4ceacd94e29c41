"""Zero-shot pneumothorax on SIIM-ACR, by prompts; an image is positive if it has a mask.

| variant | test images | prompts and score |
|---|---|---|
| `clean` | a fifth of the labelled images, by patient | MaCo's |
| `maco_lists` | 1,904 of MaCo's published list, which **leaks** | MaCo's |
| `g2d` | 1,807, as many as in the 70/15/15 split of MedKLIP | CheXzero's, cosine |

`maco_lists`: 494 of its 1,904 test images stand in its training list and 124 in its validation
list. Nothing is trained here, so the AUC is as good as any; the threshold from validation is not.

Prompts of MaCo's code: those of the other sets, and one more of each kind
(`tasks/prompts/siim.toml`). Its score is the softmax over the raw dot products with the mean
positive and the mean negative text vector; the cosine form is stored beside it.

`g2d`: the name of the finding against "no" and the name (`tasks/prompts/chexzero.toml`), cosines,
the learned temperature. The paper resizes to 256 px and cuts 224 out of the middle; here the whole
frame is kept. Its F1 and accuracy use the threshold of best F1 on the test labels themselves;
those metrics are called `..._test_threshold_published`, and stand beside those whose threshold
comes from validation.
Which 1,807 images the paper tests on is not published; ours are drawn by patient.

Source: MaCo, Nature Communications 2024, Table 5, official zero-shot script; G2D, NeurIPS 2024,
Table 2b and A.4.2.
"""

from __future__ import annotations

from benchmark.data.sources.siim_acr import CLASSES
from benchmark.recipes import ZeroShotRecipe
from benchmark.specs import TaskSpec

_SOURCE = "MaCo 2024, Table 5; official zero-shot script (resize 224, centre crop)"

TASK = TaskSpec(
    name="siim_zero_shot",
    version=1,
    title="Zero-shot classification, SIIM-ACR Pneumothorax",
    protocol="zero_shot",
    metrics="classification",
    dataset="siim_acr",
    variants={
        "clean": ZeroShotRecipe(
            source=_SOURCE + "; our split by patient", split="clean", prompts="siim"
        ),
        "maco_lists": ZeroShotRecipe(
            source=_SOURCE + "; its published lists, which leak",
            split="maco_lists",
            prompts="siim",
        ),
        "g2d": ZeroShotRecipe(
            source="G2D 2024, Table 2b, Table 6 and A.4.2; prompts of CheXzero",
            split="g2d",
            prompts="chexzero",
            scoring="cosine",
        ),
    },
    headline="auc",
    needs="zero_shot",
    classes=CLASSES,
    source="MaCo 2024, Table 5; G2D 2024, Table 2b",
)
