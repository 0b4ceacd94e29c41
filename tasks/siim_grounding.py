"""Grounding of pneumothorax on SIIM-ACR: where in the radiograph is it?

Data: SIIM-ACR Pneumothorax Segmentation; only images with a mask take part, and the union of an
image's masks is its truth, moved into the frame of the maps as the image is.

| variant | split | prompts | map |
|---|---|---|---|
| `g2d` | 8,433 / 1,807 / 1,807 images, as many as MedKLIP's and G2D's | CheXzero's | cosines |
| `clean` | ours, by patient | MaCo's | raw dot products, weighted where there are weights |

The published lists of MaCo leak (494 of their test images, every one with a mask, are training
images), so there is no variant on them. Metrics, threshold and prompts as in `rsna_grounding`; what
the paper leaves open is the same.

Pneumothoraces are small and thin: the median mask covers 0.8 % of the image, one and a half cells
of a 14 x 14 grid. On the label file alone the whole image has a Dice of 2.5 % (2.1 to 5.1 are
printed), the mean mask of other images 12 %, and the true masks seen through such a grid
(`oracle_at_grid`) 40 %. A mask that is thinner than a pixel of the frame keeps what it covers most.

Source: G2D, NeurIPS 2024, Table 2a, Table 6 and A.4.2.
"""

from __future__ import annotations

from benchmark.recipes.ground import ClassGroundRecipe
from benchmark.specs import TaskSpec

TASK = TaskSpec(
    name="siim_grounding",
    version=1,
    title="Class grounding, SIIM-ACR Pneumothorax",
    protocol="ground",
    metrics="box_grounding",
    dataset="siim_acr",
    variants={
        "g2d": ClassGroundRecipe(
            source="G2D 2024, Table 2a, Table 6 and A.4.2; prompts of CheXzero",
            split="g2d",
            prompts="chexzero",
            truth="masks",
            mask_class="Pneumothorax",
            similarity="cosine",
            control_class="Cardiomegaly",
        ),
        "clean": ClassGroundRecipe(
            source="MaCo 2024, grounding script, with its prompts for zero-shot; our split",
            split="clean",
            truth="masks",
            mask_class="Pneumothorax",
            control_class="Cardiomegaly",
        ),
    },
    headline="dice",
    needs="grounding",
    source="G2D 2024, Table 2a",
)
