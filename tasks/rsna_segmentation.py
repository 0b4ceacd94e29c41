"""Pneumonia segmentation on RSNA with 1, 10 and 100 % of the boxes.

The set has boxes and no masks: a mask is the union of an image's boxes, which is what GLoRIA, MGCA
and G2D call segmentation there. Images without a lung opacity, 77 % of the labelled ones, have an
empty mask.

| variant | split | model | chosen by |
|---|---|---|---|
| `g2d` | 16,010 / 5,337 / 5,337 of the labelled images, by patient | U-Net, frozen | validation |
| `medklip` | the same | U-Net, encoder trained | validation |
| `clean` | ours, by patient | UPerNet, as `siim_segmentation@clean` | its percent of validation |

The 3,000 images of `stage_2_test_images` take no part: their boxes are not public.

`g2d` as in `siim_segmentation`, with batch 16 and all empty images; the counts are MGCA's, which
publishes no list; what a method pre-trained of the decoder is used likewise. `clean` has no source
for its settings on this set: it takes the rates that MaCo's code has for SIIM, and 20,000 steps
for 100 %.

`medklip` (G2D's Table 7, "encoder updated") as in `siim_segmentation`; the official code is the one
for SIIM, and the paper's 60 / 20 / 20 % are MGCA's counts.

Source: G2D, NeurIPS 2024, Tables 1 and 7 and A.4.1; MGCA, NeurIPS 2022, official segmentation
code; MedKLIP, ICCV 2023, official code.
"""

from __future__ import annotations

from benchmark.data.sources.rsna_pneumonia import CLASSES
from benchmark.recipes.segment import SegmentRecipe
from benchmark.specs import TaskSpec

TASK = TaskSpec(
    name="rsna_segmentation",
    version=1,
    title="Segmentation, RSNA Pneumonia (union of boxes)",
    protocol="segment",
    metrics="segmentation",
    dataset="rsna_pneumonia",
    variants={
        "g2d": SegmentRecipe(
            source="G2D 2024, Table 1, Table 6 and A.4.1; MGCA's official segmentation code",
            split="mgca",
            image_size=224,
            batch_size=16,
            learning_rates={"1": 2e-4, "10": 2e-4, "100": 2e-4},
            # 50 epochs of 160, 1,601 and 16,010 images.
            steps={"1": 500, "10": 5000, "100": 50000},
            warmup_steps={"1": 0, "10": 0, "100": 0},
            schedule="constant",
            layer_decay=1.0,
            drop_path=0.0,
            freeze_encoder=True,
            decoder="unet",
            auxiliary_weight=0.0,
            focal_weight=10.0,
            focal_alpha=-1.0,
            dice_form="log_batch",
            flip_probability=0.0,
            rotation_degrees=10.0,
            scale=(0.9, 1.1),
            frame="input",
            selection="full_validation",
            chosen_by="dice_empty_is_one",
            threshold_rule="half",
            evaluations=50,
        ),
        "medklip": SegmentRecipe(
            source="G2D 2024, Table 7; MedKLIP's official segmentation code (SIIM)",
            split="mgca",
            image_size=224,
            batch_size=64,
            learning_rates={"1": 1e-5, "10": 1e-5, "100": 1e-5},
            # 1,000 epochs of 160, 1,601 and 16,010 images.
            steps={"1": 2000, "10": 25000, "100": 250000},
            warmup_steps={"1": 0, "10": 0, "100": 0},
            schedule="constant",
            weight_decay=0.02,
            layer_decay=1.0,
            drop_path=0.0,
            decoder="unet",
            auxiliary_weight=0.0,
            # With these three the focal loss is the binary cross-entropy.
            focal_weight=1.0,
            focal_gamma=0.0,
            focal_alpha=-1.0,
            dice_form="batch",
            crop_scale=(0.2, 1.0),
            frame="input",
            evaluations=50,
            selection="full_validation",
            chosen_by="dice_empty_is_one",
            threshold_rule="half",
        ),
        "clean": SegmentRecipe(
            source="ours: MaCo's official SIIM configurations on another set; split by patient",
            learning_rates={"1": 5e-6, "10": 2e-5, "100": 1.5e-5},
            steps={"1": 1000, "10": 5000, "100": 20000},
            warmup_steps={"1": 100, "10": 100, "100": 1500},
            evaluations=32,
        ),
    },
    headline="dice_nonempty",
    needs="fine_tune",
    classes=CLASSES,
    label_percents=(1.0, 10.0, 100.0),
    source="G2D 2024, Tables 1 and 7",
)
