"""Detection of foreign objects on object-CXR with 1, 10 and 100 % of the labels.

YOLOv3 on the maps of the encoder at 224 px, the aspect ignored, the encoder frozen.

| variant | images |
|---|---|
| `g2d` | 6,400 / 1,600 / 1,000: the official training part, cut, and the official dev part |
| `fine_tuned` | the same; the encoder learns too |
| `clean` | ours, by image |

Validation chooses the checkpoint; in `clean` the same percent of it as of the training set.

Half of the images hold no object, and they take part in training and test. There are no patients in
this data set, so two images of one person may stand in two parts.

Objects are rectangles, ellipses and polygons; each counts as the box round it. A label of 1 % is
64 images, of which about half hold an object: G2D prints dashes there, for values under 1 %.

The published numbers average over IoU 0.40 to 0.75 and leave out images without a box and those in
which nothing scores 0.5: `ap_40_75_published`, see `rsna_detection`. The rate of `fine_tuned` is
that of LoVT on RSNA, since its configurations for this data set are not all at hand.

Source: G2D, NeurIPS 2024, Table 1; MGCA, NeurIPS 2022, official detection script.
"""

from __future__ import annotations

from benchmark.recipes import DetectRecipe
from benchmark.specs import TaskSpec

_G2D = DetectRecipe(
    source="G2D 2024, Table 1; MGCA's official detection script, which it follows",
    split="g2d",
    detector="yolov3",
    freeze_encoder=True,
    image_size=224,
    geometry="squash",
    batch_size=16,
    learning_rates={"1": 5e-4, "10": 5e-4, "100": 5e-4},
    weight_decay=1e-6,
    steps={"1": 200, "10": 2000, "100": 20000},
    warmup_steps={"1": 0, "10": 0, "100": 0},
    final_rate=1.0,
    flip_probability=0.0,
    selection="full_validation",
    selection_metric="ap_40_75",
)

TASK = TaskSpec(
    name="object_cxr_detection",
    version=1,
    title="Detection of foreign objects, object-CXR",
    protocol="detect",
    metrics="detection",
    dataset="object_cxr",
    variants={
        "g2d": _G2D,
        "fine_tuned": _G2D.replaced(
            {
                "source": "G2D 2024, Table 1, with the fine-tuning of LoVT 2022 on RSNA",
                "freeze_encoder": False,
                "learning_rates": {"1": 1e-4, "10": 3e-4, "100": 1e-4},
                "final_rate": 0.0,
            }
        ),
        "clean": _G2D.replaced(
            {
                "source": _G2D.source + "; our split",
                "split": "clean",
                "selection": "matched_fraction",
            }
        ),
    },
    headline="ap_40_75",
    needs="fine_tune",
    classes=("Foreign object",),
    label_percents=(1.0, 10.0, 100.0),
    source="G2D 2024, Table 1",
)
