"""Grounding of pneumonia on RSNA: where in the radiograph is the lung opacity?

Data: RSNA Pneumonia Detection Challenge; only images with a box take part, all boxes of an image
together are its truth. The map of the class is that of its prompts' mean text vector, smoothed and
enlarged as in `ms_cxr_grounding`.

| variant | split | prompts | map |
|---|---|---|---|
| `g2d` | 16,010 / 5,337 / 5,337 images, as many as MedKLIP's and G2D's | CheXzero's | cosines |
| `clean` | ours, by patient | MaCo's | raw dot products, weighted where there are weights |

Metrics: recall, IoU and Dice of the region above a threshold, CNR, pointing game, mIoU. Recall is
of pixels, as in MedKLIP's protocol, which the paper follows. The threshold is one for all images,
on the map rescaled to [-1, 1]: the one with the best mean Dice on validation. The paper does not
say how it chose its own; scores at half of the range, and at the threshold that the test boxes
themselves like best (`..._published`, the rule of MAVL's script), stand beside it.

The paper takes the last map of the image encoder; here patch features are those after the
projection into the space of the text, without which there is no cosine for most methods. Which
images the paper tests on is not published; ours are drawn by patient.

A fixed map of two lungs does much of this: learned from the boxes of other patients it has CNR 1.35
to 1.40, IoU 27 % and Dice 40 % on the positives (22 to 34 and 35 to 48 % are printed). Read the
paired excess over `static_prior`. The control of `/phrase_swapped` is the prompt of cardiomegaly,
since there is no other class.

Source: G2D, NeurIPS 2024, Table 2a, Table 6 and A.4.2.
"""

from __future__ import annotations

from benchmark.recipes.ground import ClassGroundRecipe
from benchmark.specs import TaskSpec

TASK = TaskSpec(
    name="rsna_grounding",
    version=1,
    title="Class grounding, RSNA Pneumonia",
    protocol="ground",
    metrics="box_grounding",
    dataset="rsna_pneumonia",
    variants={
        "g2d": ClassGroundRecipe(
            source="G2D 2024, Table 2a, Table 6 and A.4.2; prompts of CheXzero",
            split="mgca",
            prompts="chexzero",
            similarity="cosine",
            control_class="Cardiomegaly",
        ),
        "clean": ClassGroundRecipe(
            source="MaCo 2024, grounding script, with its prompts for zero-shot; our split",
            split="clean",
            control_class="Cardiomegaly",
        ),
    },
    headline="dice",
    needs="grounding",
    source="G2D 2024, Table 2a",
)
