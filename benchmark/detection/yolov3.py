"""YOLOv3 (Redmon and Farhadi, 2018) on the maps of an encoder, built from mmdet's parts.

As MGCA, LoVT and G2D use it: the last three stages of a ResNet, a neck that merges them from the
coarsest to the finest, three anchors a scale. The anchors are those of COCO at 416 px, shrunk or
enlarged to the input; a score is objectness times class probability.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from benchmark.detection.pyramid import DoublingStrides, SimpleFeaturePyramid, is_plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmark.interfaces import DenseTrunk
    from benchmark.recipes.detect import DetectRecipe

ANCHOR_INPUT = 416
ANCHORS = (
    ((116, 90), (156, 198), (373, 326)),
    ((30, 61), (62, 45), (59, 119)),
    ((10, 13), (16, 30), (33, 23)),
)
"""Widths and heights in pixels of a 416 px input, the coarsest scale first."""

PLAIN_SCALES = (2.0, 1.0, 0.5)


class YoloNeck(nn.Module):
    """Three maps of doubling strides, merged from the coarsest down; the coarsest comes first."""

    def __init__(self, trunk: DenseTrunk, recipe: DetectRecipe) -> None:
        super().__init__()
        from mmdet.registry import MODELS

        if is_plain(trunk.strides):
            self.name = "simple feature pyramid and YOLOv3 neck"
            levels: SimpleFeaturePyramid | DoublingStrides = SimpleFeaturePyramid(
                trunk.channels[-1], trunk.strides[-1], PLAIN_SCALES, recipe.pyramid_width
            )
            self.skipped = 0
        else:
            self.name = "YOLOv3 neck"
            levels = DoublingStrides(trunk.channels[-3:], trunk.strides[-3:])
            self.skipped = len(trunk.strides) - 3
        self.levels = levels
        self.strides = tuple(reversed(levels.strides))
        self.channels = neck_channels(recipe.pyramid_width)
        self.merge = MODELS.build(
            {
                "type": "YOLOV3Neck",
                "num_scales": 3,
                "in_channels": list(reversed(levels.channels)),
                "out_channels": list(self.channels),
            }
        )

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Maps of `strides`."""
        return list(self.merge(tuple(self.levels(maps[self.skipped :]))))


def neck_channels(width: int) -> tuple[int, int, int]:
    """Channels from the coarsest to the finest scale; 512, 256 and 128 at a width of 256."""
    return (2 * width, width, width // 2)


def heads(
    strides: Sequence[int], recipe: DetectRecipe, classes: int, image_size: int
) -> dict[str, Any]:
    """Configuration of mmdet's `YOLOV3`, whose backbone passes the neck's maps through."""
    scale = image_size / ANCHOR_INPUT
    channels = neck_channels(recipe.pyramid_width)
    return {
        "type": "YOLOV3",
        "backbone": {"type": nn.Identity},
        "neck": None,
        "bbox_head": {
            "type": "YOLOV3Head",
            "num_classes": classes,
            "in_channels": list(channels),
            "out_channels": [2 * width for width in channels],
            "anchor_generator": {
                "type": "YOLOAnchorGenerator",
                "base_sizes": [
                    [(scale * width, scale * height) for width, height in level]
                    for level in ANCHORS
                ],
                "strides": list(strides),
            },
            "bbox_coder": {"type": "YOLOBBoxCoder"},
            "featmap_strides": list(strides),
            "loss_cls": _loss("CrossEntropyLoss", 1.0, use_sigmoid=True),
            "loss_conf": _loss("CrossEntropyLoss", 1.0, use_sigmoid=True),
            "loss_xy": _loss("CrossEntropyLoss", 2.0, use_sigmoid=True),
            "loss_wh": _loss("MSELoss", 2.0),
        },
        "train_cfg": {
            "assigner": {
                "type": "GridAssigner",
                "pos_iou_thr": 0.5,
                "neg_iou_thr": 0.5,
                "min_pos_iou": 0,
            }
        },
        "test_cfg": {
            "nms_pre": 1000,
            "min_bbox_size": 0,
            "score_thr": recipe.score_threshold,
            "conf_thr": recipe.score_threshold,
            "nms": {"type": "nms", "iou_threshold": recipe.nms_iou},
            "max_per_img": recipe.boxes_per_image,
        },
    }


def _loss(kind: str, weight: float, **more: Any) -> dict[str, Any]:
    return {"type": kind, "loss_weight": weight, "reduction": "sum", **more}
