"""Zero-shot classification of the 14 findings of NIH ChestX-ray14, by prompts.

| variant | test images | prompts and score |
|---|---|---|
| `maco` | 22,433 of MaCo's published list; it shares no patient with the training list | MaCo's |
| `g2d` | the official test list, 25,596, as KAD | CheXzero's, cosine |
| `clean` | a fifth, by patient | MaCo's |

The headline is the mean of the 14 AUCs; a class without a positive is undefined and left out of
the mean, which says over how many classes it runs. Intervals of rare classes are wide (Hernia:
7.8 points). Prompts and scores of `maco` as in `rsna_zero_shot`.

`g2d`: the name of the finding against "no" and the name (`tasks/prompts/chexzero.toml`), cosines,
the learned temperature. The paper resizes to 256 px and cuts 224 out of the middle; here the whole
frame is kept. Its F1 and accuracy use the threshold of best F1 on the test labels themselves;
those metrics are called `..._test_threshold_published`, and stand beside those whose threshold
comes from validation.

Source: MaCo, Nature Communications 2024, Table 5, official zero-shot script; G2D, NeurIPS 2024,
Table 2b and A.4.2.
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
        "g2d": ZeroShotRecipe(
            source="G2D 2024, Table 2b, Table 6 and A.4.2; prompts of CheXzero; split of KAD",
            split="kad",
            prompts="chexzero",
            scoring="cosine",
        ),
        "clean": ZeroShotRecipe(source=_SOURCE + "; our split by patient", split="clean"),
    },
    headline="auc",
    needs="zero_shot",
    classes=CLASSES,
    source="MaCo 2024, Table 5; G2D 2024, Table 2b",
)
