"""Detection of findings as boxes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from benchmark.recipes.base import Geometry, Precision
from benchmark.recipes.labelled import LabelledRecipe


@dataclass(frozen=True)
class DetectRecipe(LabelledRecipe):
    """Training of a detector on the maps of an encoder, with AdamW.

    `image_size` is the side of the square that the detector sees. `evaluations` may be 0: the
    last step is taken then, as under `selection = "fixed_recipe"`.

    Attributes:
        steps, warmup_steps: Optimiser steps by label percent.
        accumulation: Equal parts of a batch that go through the model one after the other; the
            memory that a step takes shrinks with it.
        detector: `vitdet`: a region proposal network and a box head (Faster R-CNN) on a simple
            feature pyramid from the last map of a transformer, or on a feature pyramid network
            over the stages of a ResNet. `yolov3`: three scales of the same maps, one stage.
        freeze_encoder: Keep the encoder as it is, its normalisation statistics too.
        layer_decay: Factor on the rate from one layer of the encoder to the one below it.
        drop_path: Stochastic depth of the encoder.
        window: Side of the attention windows in patches; 0 makes every block global.
        global_blocks: Blocks that attend globally, in twelfths of the depth.
        pyramid_scales: Levels of the simple feature pyramid, relative to the last map; powers of
            two. `yolov3` takes 2, 1 and 0.5 always.
        anchor_cells: Side of an anchor of `vitdet` in cells of its level.
        pyramid_width: Channels of the pyramid and the heads' convolutions; `yolov3` has twice
            as many, as many and half as many from its coarsest to its finest scale.
        head_width: Of the fully connected layer of the box head.
        head_convolutions: Convolutions before that layer.
        proposals: Regions an image that the proposal network hands on.
        sampled_boxes: Regions an image that the box head learns from in a step.
        negatives: Images without boxes: `exclude` leaves them out of training, validation and
            test alike (MaCo's detection lists hold none); `include` keeps them.
        flip_probability: Of a horizontal flip.
        scale_jitter: Limits of the magnification; larger images are cropped at a random place,
            smaller ones are padded with black at the right and at the bottom.
        gradient_clip: Largest norm of the gradient of a step; null does not clip.
        final_rate: Rate at the end of the half cosine, as a share of the peak; 1 is constant.
        score_threshold: Boxes below it are dropped.
        nms_iou: Of two boxes that overlap more, the one with the lower score is dropped.
        boxes_per_image: Most boxes that are kept of an image.
        selection_metric: What chooses the checkpoint, on the images that may choose.
        published_score_threshold: Of the metric `ap_40_75_published`.
        precision: `auto` is float32 on CPU and mixed precision on GPU.
        checkpoint_every_seconds: Wall time between resumable checkpoints.
    """

    geometry: Geometry = "pad_square"
    steps: Mapping[str, int] = field(default_factory=dict)
    warmup_steps: Mapping[str, int] = field(default_factory=dict)
    accumulation: int = 1
    detector: Literal["vitdet", "yolov3"] = "vitdet"
    freeze_encoder: bool = False
    layer_decay: float = 1.0
    drop_path: float = 0.0
    window: int = 0
    global_blocks: tuple[int, ...] = (3, 6, 9, 12)
    pyramid_scales: tuple[float, ...] = (4.0, 2.0, 1.0, 0.5)
    anchor_cells: int = 8
    pyramid_width: int = 256
    head_width: int = 1024
    head_convolutions: int = 4
    proposals: int = 1000
    sampled_boxes: int = 512
    negatives: Literal["exclude", "include"] = "include"
    flip_probability: float = 0.5
    scale_jitter: tuple[float, float] = (1.0, 1.0)
    gradient_clip: float | None = None
    final_rate: float = 0.0
    score_threshold: float = 0.05
    nms_iou: float = 0.5
    boxes_per_image: int = 100
    selection_metric: Literal["ap_50_95", "ap_40_75", "ap_50"] = "ap_50_95"
    published_score_threshold: float = 0.5
    precision: Precision = "auto"
    checkpoint_every_seconds: float = 300.0

    @property
    def needs_boxes(self) -> bool:
        """Whether images without boxes take no part."""
        return self.negatives == "exclude"
