"""Zero-shot classification of the five competition classes of CheXpert, by prompts.

| variant | test images | prompts and score |
|---|---|---|
| `g2d` | the first frontal image of the official test set's 500 studies | CheXzero's, cosine |
| `valid` | the official validation set, 234 images | CheXzero's, cosine |
| `clean` | a fifth, by patient, on the labeller's labels | MaCo's |

The test set was released later; without it `g2d` is blocked. Its validation part is the official
one. `valid` tests on that set, as the papers on fine-tuning do; there the 95 % half-width of one
class is 5 to 8 points. In `clean` an empty label is
unknown, not negative, so its negatives are the findings that reports deny.

`g2d`: the name of the finding against "no" and the name (`tasks/prompts/chexzero.toml`), cosines,
the learned temperature. The paper resizes to 256 px and cuts 224 out of the middle; here the whole
frame is kept. Its F1 and accuracy use the threshold of best F1 on the test labels themselves;
those metrics are called `..._test_threshold_published`, and stand beside those whose threshold
comes from validation.

Source: G2D, NeurIPS 2024, Table 2b and A.4.2; CheXzero, Nature Biomedical Engineering 2022.
"""

from __future__ import annotations

from benchmark.data.sources.chexpert import COMPETITION
from benchmark.recipes import ZeroShotRecipe
from benchmark.specs import TaskSpec

_SOURCE = "G2D 2024, Table 2b, Table 6 and A.4.2; prompts of CheXzero"
_G2D = ZeroShotRecipe(source=_SOURCE, split="g2d_zero_shot", prompts="chexzero", scoring="cosine")

TASK = TaskSpec(
    name="chexpert_zero_shot",
    version=1,
    title="Zero-shot classification, CheXpert",
    protocol="zero_shot",
    metrics="classification",
    dataset="chexpert",
    variants={
        "g2d": _G2D,
        "valid": _G2D.replaced(
            {"source": _SOURCE + "; on the official validation set", "split": "maco"}
        ),
        "clean": ZeroShotRecipe(
            source="MaCo 2024, official zero-shot script; our split by patient", split="clean"
        ),
    },
    headline="auc",
    needs="zero_shot",
    classes=COMPETITION,
    source="G2D 2024, Table 2b",
)
