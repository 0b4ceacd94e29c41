"""What a method costs to run: operations, parameters, speed and memory of its forward passes.

Counted at the paper's size whatever the profile, and for the profile's own model (metrics that end
with `/evaluated`). Counting needs no trained weights and no image; the speed of the profile's own
model is measured on radiographs of RSNA Pneumonia's test split, prepared beforehand, and stands in
the record's `timing`, since it depends on the machine. Labels are not read.

MaCo's text gives 16.9 GFLOPs for MaCo and 12.7 for MRM. Both are multiply-adds, and of the masked
pre-training forward of one image with a report of 100 tokens, counted without the products inside
attention (`pretraining_gmacs_published`). The plain encoder, which is what runs downstream, is
the same for both: 16.85 by that rule, 17.56 with attention (`inference_gmacs`). MaCo's figure
holds 1.17 of a masked-language head that its code runs and does not use.

Source: MaCo, Nature Communications 2024, text; official code of MaCo and MRM.
"""

from __future__ import annotations

from benchmark.recipes.measure import MeasureRecipe
from benchmark.specs import TaskSpec

TASK = TaskSpec(
    name="efficiency",
    version=1,
    title="Cost of the forward passes",
    protocol="measure",
    metrics="efficiency",
    dataset="rsna_pneumonia",
    variants={
        "maco": MeasureRecipe(
            source="MaCo 2024, text (figures by thop); sizes and report length of the official code"
        )
    },
    headline="inference_gmacs",
    needs="image_features",
    source="MaCo 2024, text",
)
