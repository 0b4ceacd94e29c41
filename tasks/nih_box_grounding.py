"""Grounding of eight findings in NIH ChestX-ray14: where in the radiograph is what the boxes show?

Data: `BBox_List_2017.csv`, 984 boxes by radiologists on 880 images of 726 patients, one for each
image and finding. They need no credential, so this is the grounding task that everybody can run on
real radiographs. The map of a finding is that of its prompts; metrics as in `rsna_grounding`.

| variant | prompts | map |
|---|---|---|
| `clean` | MaCo's | raw dot products, weighted where there are weights |
| `g2d` | CheXzero's: the name of the finding | cosines, as G2D's on other data |

No paper at hand prints these numbers; `g2d` is there so that a table has one rule in all columns.

Split: the data set has no validation boxes (all of its boxed images lie in the official test
part), so the patients with a box are cut into 30 % for validation, which choose the threshold and
the temperature of the patch weights and teach the priors, and 70 % for test (`split = "boxed"`).
Nobody who follows the official split has trained on them.

What to know: 346 of the 880 images are also RSNA images and 630 of the 726 patients have some;
a model that was tuned on RSNA has seen them. The control of `/phrase_swapped` is the prompt of
another finding. A fixed map of two lungs reaches a CNR of 1.15 here: read the paired excess over
`static_prior`.

Source: Wang et al., ChestX-ray8, CVPR 2017 (boxes); G2D, NeurIPS 2024, A.4.2 (rule of `g2d`).
"""

from __future__ import annotations

from benchmark.recipes.ground import ClassGroundRecipe
from benchmark.specs import TaskSpec

_SOURCE = "MaCo 2024, grounding script, with its prompts for zero-shot; our split of the boxes"

TASK = TaskSpec(
    name="nih_box_grounding",
    version=1,
    title="Class grounding, NIH ChestX-ray14 boxes",
    protocol="ground",
    metrics="box_grounding",
    dataset="nih_cxr14",
    variants={
        "clean": ClassGroundRecipe(source=_SOURCE, split="boxed"),
        "g2d": ClassGroundRecipe(
            source="G2D 2024, A.4.2, on data that it does not use; prompts of CheXzero",
            split="boxed",
            prompts="chexzero",
            similarity="cosine",
        ),
    },
    headline="dice",
    needs="grounding",
    source="G2D 2024, A.4.2 (rule)",
)
