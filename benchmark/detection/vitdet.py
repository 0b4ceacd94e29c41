"""The two-stage detector of ViTDet, built from mmdet's parts.

ViTDet (Li et al., ECCV 2022) puts Mask R-CNN on a simple feature pyramid; its mask branch is left
out here, since rectangles as masks add nothing to boxes. What remains is a region proposal
network with two convolutions, one anchor scale a level and three shapes, and a box head of
convolutions with a norm over the channels and one fully connected layer. The class branch is
trained by cross-entropy, boxes by their absolute error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor, nn
from torch.nn import functional

from benchmark.detection.pyramid import DoublingStrides, SimpleFeaturePyramid, is_plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmark.interfaces import DenseTrunk
    from benchmark.recipes.detect import DetectRecipe

CELLS_OF_A_REGION = 14
"""A region goes to the level on which its side is 14 to 28 cells (FPN: 224 px at stride 16)."""


class TwoStageNeck(nn.Module):
    """The encoder's maps as a pyramid, and one level more for the largest proposals."""

    def __init__(self, trunk: DenseTrunk, recipe: DetectRecipe) -> None:
        super().__init__()
        width = recipe.pyramid_width
        if is_plain(trunk.strides):
            self.name = "simple feature pyramid"
            pyramid = SimpleFeaturePyramid(
                trunk.channels[-1], trunk.strides[-1], recipe.pyramid_scales, width
            )
            self.levels: nn.Module = pyramid
            strides = pyramid.strides
        else:
            from mmdet.registry import MODELS

            self.name = "feature pyramid network"
            stages = DoublingStrides(trunk.channels, trunk.strides)
            fpn = MODELS.build(
                {
                    "type": "FPN",
                    "in_channels": list(stages.channels),
                    "out_channels": width,
                    "num_outs": len(stages.channels),
                }
            )
            self.levels = nn.Sequential(stages, fpn)
            strides = stages.strides
        self.strides = (*strides, 2 * strides[-1])

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Maps of `strides`."""
        levels = list(self.levels(maps))
        return [*levels, functional.max_pool2d(levels[-1], kernel_size=1, stride=2)]


def heads(strides: Sequence[int], recipe: DetectRecipe, classes: int) -> dict[str, Any]:
    """Configuration of mmdet's `FasterRCNN`, whose backbone passes the pyramid through."""
    return {
        "type": "FasterRCNN",
        "backbone": {"type": nn.Identity},
        "rpn_head": _proposal_head(strides, recipe),
        "roi_head": _region_head(strides[:-1], recipe, classes),
        "train_cfg": _training(recipe),
        "test_cfg": _testing(recipe),
    }


def _box_coder(spread: Sequence[float]) -> dict[str, Any]:
    return {
        "type": "DeltaXYWHBBoxCoder",
        "target_means": [0.0, 0.0, 0.0, 0.0],
        "target_stds": list(spread),
    }


def _proposal_head(strides: Sequence[int], recipe: DetectRecipe) -> dict[str, Any]:
    return {
        "type": "RPNHead",
        "in_channels": recipe.pyramid_width,
        "feat_channels": recipe.pyramid_width,
        "num_convs": 2,
        "anchor_generator": {
            "type": "AnchorGenerator",
            "scales": [recipe.anchor_cells],
            "ratios": [0.5, 1.0, 2.0],
            "strides": list(strides),
        },
        "bbox_coder": _box_coder((1.0, 1.0, 1.0, 1.0)),
        "loss_cls": {"type": "CrossEntropyLoss", "use_sigmoid": True},
        "loss_bbox": {"type": "L1Loss"},
    }


def _region_head(strides: Sequence[int], recipe: DetectRecipe, classes: int) -> dict[str, Any]:
    from timm.layers.norm import LayerNorm2d

    return {
        "type": "StandardRoIHead",
        "bbox_roi_extractor": {
            "type": "SingleRoIExtractor",
            "roi_layer": {"type": "RoIAlign", "output_size": 7, "sampling_ratio": 0},
            "out_channels": recipe.pyramid_width,
            "featmap_strides": list(strides),
            "finest_scale": CELLS_OF_A_REGION * strides[0],
        },
        "bbox_head": {
            "type": "ConvFCBBoxHead",
            "in_channels": recipe.pyramid_width,
            "num_shared_convs": recipe.head_convolutions,
            "conv_out_channels": recipe.pyramid_width,
            "num_shared_fcs": 1,
            "fc_out_channels": recipe.head_width,
            "norm_cfg": {"type": LayerNorm2d} if recipe.head_convolutions else None,
            "roi_feat_size": 7,
            "num_classes": classes,
            "bbox_coder": _box_coder((0.1, 0.1, 0.2, 0.2)),
            "loss_cls": {"type": "CrossEntropyLoss"},
            "loss_bbox": {"type": "L1Loss"},
        },
    }


def _assigner(positive: float, negative: float, low_quality: bool) -> dict[str, Any]:
    return {
        "type": "MaxIoUAssigner",
        "pos_iou_thr": positive,
        "neg_iou_thr": negative,
        "min_pos_iou": negative,
        "match_low_quality": low_quality,
        "ignore_iof_thr": -1,
    }


def _sampler(boxes: int, positive: float, add_truth: bool) -> dict[str, Any]:
    return {
        "type": "RandomSampler",
        "num": boxes,
        "pos_fraction": positive,
        "add_gt_as_proposals": add_truth,
    }


def _proposals(before: int, kept: int) -> dict[str, Any]:
    return {
        "nms_pre": before,
        "max_per_img": kept,
        "nms": {"type": "nms", "iou_threshold": 0.7},
        "min_bbox_size": 0,
    }


def _training(recipe: DetectRecipe) -> dict[str, Any]:
    return {
        "rpn": {
            "assigner": _assigner(0.7, 0.3, low_quality=True),
            "sampler": _sampler(256, 0.5, add_truth=False),
            "allowed_border": -1,
            "pos_weight": -1,
            "debug": False,
        },
        "rpn_proposal": _proposals(2 * recipe.proposals, recipe.proposals),
        "rcnn": {
            "assigner": _assigner(0.5, 0.5, low_quality=False),
            "sampler": _sampler(recipe.sampled_boxes, 0.25, add_truth=True),
            "pos_weight": -1,
            "debug": False,
        },
    }


def _testing(recipe: DetectRecipe) -> dict[str, Any]:
    return {
        "rpn": _proposals(recipe.proposals, recipe.proposals),
        "rcnn": {
            "score_thr": recipe.score_threshold,
            "nms": {"type": "nms", "iou_threshold": recipe.nms_iou},
            "max_per_img": recipe.boxes_per_image,
        },
    }
