"""Detection of lung opacities on RSNA Pneumonia with 1, 10 and 100 % of the labels.

A detector of mmdet on the maps of the encoder: ViTDet's two-stage detector on a simple feature
pyramid, with windowed attention and four global blocks, or YOLOv3. On a ResNet the two-stage one
uses a feature pyramid network; on a transformer YOLOv3 uses a simple feature pyramid.

| variant | detector | images | rates and steps |
|---|---|---|---|
| `maco` | ViTDet at 1024 px | published lists, **positives only** | MaCo's text |
| `maco_code` | the same | the same | MaCo's committed configuration |
| `maco_all_images` | the same | ours by patient, all images | as `maco_code` |
| `clean` | the same | ours by patient, positives only | as `maco_code` |
| `lovt` | YOLOv3 at 224 px, fine-tuned | 16,010 / 5,337 / 5,337, all images | LoVT's |
| `g2d` | YOLOv3 at 224 px, encoder frozen | the same counts, all images | MGCA's script |

Validation chooses the checkpoint; in `clean` the same percent of it as of the training set.

**MaCo's detection lists hold positives only**: 3,584, 1,210 and 1,218 images, each with a box. A
detector that sees an opacity in every healthy lung loses nothing there. `maco_all_images` trains
and tests with the healthy ones; its numbers are lower by nature and not comparable with the
paper's. 1,173 of the 1,218 test images of those lists are in the training list of MaCo's
classification on RSNA: do not start detection from an encoder that was fine-tuned on that list.
Of the three lists only the test list is public: `maco` and `maco_code` wait until the other two
lie beside it.

The text of the paper names a rate of 3e-3 and a weight decay of 0.1, the committed configuration
5e-4 (3e-4 for all labels, by its comment) and 0.05. It trains 5,600 steps at every label fraction,
declares a second class without boxes, and has a mask branch whose masks are the boxes; both are
left out here. It scores the test list during training, which nothing here does. A batch of 32 goes
through the model in four parts, to spare memory.

Which mean average precision a paper prints differs: `ap_50_95` is COCO's, which MaCo's code
computes; LoVT averages over IoU 0.40 to 0.75 on all images, `ap_40_75`; MGCA, which G2D follows,
over the same thresholds, but without the images that hold no box and those in which nothing
scores 0.5: `ap_40_75_published`. MGCA's score is the objectness alone, here it is objectness times
class probability. LoVT and MGCA draw images for the split; here NIH persons stay together where the
table of them lies beside the data. LoVT halves its rate on a plateau, which half a cosine stands
for here, and stops early, where here the best checkpoint is taken.

Source: MaCo, Nature Communications 2024, Table 4, and its repository; LoVT, ECCV 2022, official
configurations; MGCA, NeurIPS 2022, official detection script; G2D, NeurIPS 2024, Table 1.
"""

from __future__ import annotations

from benchmark.recipes import DetectRecipe
from benchmark.specs import TaskSpec

_MACO = DetectRecipe(
    source="MaCo 2024, Table 4 and Methods (rate 3e-3, weight decay 0.1); the rest official code",
    split="maco_detection",
    image_size=1024,
    geometry="pad_square",
    batch_size=32,
    accumulation=4,
    learning_rates={"1": 3e-3, "10": 3e-3, "100": 3e-3},
    weight_decay=0.1,
    steps={"1": 5600, "10": 5600, "100": 5600},
    warmup_steps={"1": 250, "10": 250, "100": 250},
    final_rate=0.01,
    layer_decay=0.7,
    drop_path=0.1,
    window=14,
    global_blocks=(3, 6, 9, 12),
    scale_jitter=(0.8, 1.2),
    negatives="exclude",
    selection="full_validation",
)
_MACO_CODE = _MACO.replaced(
    {
        "source": "MaCo's repository, ViTDet configuration for RSNA",
        "learning_rates": {"1": 5e-4, "10": 5e-4, "100": 3e-4},
        "weight_decay": 0.05,
    }
)
_LOVT = DetectRecipe(
    source="LoVT 2022, official configurations of the fine-tuned YOLOv3 on RSNA",
    split="mgca",
    detector="yolov3",
    image_size=224,
    geometry="squash",
    batch_size=64,
    learning_rates={"1": 1e-4, "10": 3e-4, "100": 1e-4},
    weight_decay=1e-6,
    steps={"1": 1500, "10": 2500, "100": 12500},
    warmup_steps={"1": 100, "10": 100, "100": 100},
    flip_probability=0.0,
    selection="full_validation",
    selection_metric="ap_40_75",
)
_G2D = _LOVT.replaced(
    {
        "source": "G2D 2024, Table 1; MGCA's official detection script, which it follows",
        "freeze_encoder": True,
        "batch_size": 16,
        "learning_rates": {"1": 5e-4, "10": 5e-4, "100": 5e-4},
        "steps": {"1": 500, "10": 5000, "100": 50000},
        "warmup_steps": {"1": 0, "10": 0, "100": 0},
        "final_rate": 1.0,
    }
)

TASK = TaskSpec(
    name="rsna_detection",
    version=1,
    title="Detection, RSNA Pneumonia",
    protocol="detect",
    metrics="detection",
    dataset="rsna_pneumonia",
    variants={
        "maco": _MACO,
        "maco_code": _MACO_CODE,
        "maco_all_images": _MACO_CODE.replaced(
            {
                "source": _MACO_CODE.source + "; our split by patient, all images",
                "split": "clean",
                "negatives": "include",
            }
        ),
        "clean": _MACO_CODE.replaced(
            {
                "source": _MACO_CODE.source + "; our split by patient",
                "split": "clean",
                "selection": "matched_fraction",
                "selection_metric": "ap_40_75",
            }
        ),
        "lovt": _LOVT,
        "g2d": _G2D,
    },
    headline="ap_50_95",
    needs="fine_tune",
    classes=("Lung Opacity",),
    label_percents=(1.0, 10.0, 100.0),
    source="MaCo 2024, Table 4; LoVT 2022; G2D 2024, Table 1",
)
