"""Segmentation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from benchmark.recipes.base import Geometry, Precision
from benchmark.recipes.labelled import LabelledRecipe


@dataclass(frozen=True)
class SegmentRecipe(LabelledRecipe):
    """One mask an image, by a decoder on the maps of the encoder, trained with AdamW.

    Masks move with their images: the same `geometry`, the same flip, rotation and scale. Of
    `LabelledRecipe`, the search for a rate and the rules for class labels are not used.

    Attributes:
        betas: Of AdamW.
        steps, warmup_steps: Optimiser steps by label percent.
        schedule: After a linear warm-up: `polynomial` of power 1 (mmsegmentation's, which the
            warm-up multiplies), half a `cosine`, or `constant`.
        layer_decay: Factor on the rate for each layer below the decoder, whose rate is whole.
        gradient_clip: Largest norm of the gradient of a step; null does not clip.
        drop_path: Stochastic depth of the encoder.
        freeze_encoder: Only the decoder is trained; the encoder stays in evaluation mode.
        decoder: `upernet` (Xiao et al., ECCV 2018; transformers' head) or `unet` (the decoder of
            segmentation-models-pytorch; the trunks give no map of stride 2, so that skip is
            left out).
        decoder_from_pretraining: Where a method's pre-training made a decoder
            (`segmentation_decoder`), the U-Net begins with its tensors of equal name and shape;
            the record says how many. Else, and for UPerNet, it begins from scratch.
        taps: Blocks of a transformer, in twelfths of its depth, whose maps are rescaled by 4, 2,
            1 and 1/2; a ResNet gives its four stages.
        upernet_channels: Width of the UPerNet head.
        auxiliary_channels: Width of the auxiliary head on the third map.
        auxiliary_weight: Of its loss; 0 leaves it out. UPerNet only.
        unet_channels: Widths of the five U-Net blocks, the coarsest first.
        dropout: Before the last convolution of UPerNet.
        focal_weight, focal_gamma, focal_alpha: Of the focal loss, a mean over all pixels.
        dice_weight: Of the Dice loss.
        dice_form: `image`: 1 - Dice of each image with squares in the denominator, then the mean
            (mmsegmentation). `batch`: 1 - Dice of the whole batch (MedKLIP). `log_batch`: -log of
            it (GLoRIA, MGCA).
        flip_probability, rotation_degrees, scale: Augmentation of image and mask together.
        crop_scale: Share of the area that a random rectangle cuts out, resized to the square,
            image and mask together; null for no crop. In place of rotation and scale.
        empty_images: Training images without a mask: `all`, or `balanced`: as many, drawn by the
            subset seed, as there are with one (GLoRIA, MGCA).
        frame: Where masks are compared. `mask`: the mask's own size, as stored in the data set
            (mmsegmentation); the probabilities are moved back to it, and what the geometry cut
            off is outside. `input`: the square of the model's input, to which the mask is moved
            (GLoRIA, MGCA).
        chosen_by: Metric on the selection set that chooses the checkpoint, and the threshold
            where it is chosen.
        threshold_rule: `validation`: the threshold that the selection set likes best, out of
            20. `half`: a probability of 0.5, as the papers; also where nothing may choose.
        precision: `auto` is float32 on CPU and mixed precision on GPU.
        checkpoint_every_seconds: Wall time between resumable checkpoints.
    """

    image_size: int = 512
    geometry: Geometry = "pad_square"
    batch_size: int = 8
    weight_decay: float = 0.05
    betas: tuple[float, float] = (0.9, 0.999)
    steps: Mapping[str, int] = field(default_factory=dict)
    warmup_steps: Mapping[str, int] = field(default_factory=dict)
    schedule: Literal["polynomial", "cosine", "constant"] = "polynomial"
    layer_decay: float = 0.65
    gradient_clip: float | None = None
    drop_path: float = 0.1
    freeze_encoder: bool = False
    decoder: Literal["upernet", "unet"] = "upernet"
    decoder_from_pretraining: bool = True
    taps: tuple[int, ...] = (4, 6, 8, 12)
    upernet_channels: int = 768
    auxiliary_channels: int = 256
    auxiliary_weight: float = 0.4
    unet_channels: tuple[int, ...] = (256, 128, 64, 32, 16)
    dropout: float = 0.1
    focal_weight: float = 2.0
    focal_gamma: float = 2.0
    focal_alpha: float = 0.5
    dice_weight: float = 1.0
    dice_form: Literal["image", "batch", "log_batch"] = "image"
    flip_probability: float = 0.5
    crop_scale: tuple[float, float] | None = None
    rotation_degrees: float = 0.0
    scale: tuple[float, float] = (1.0, 1.0)
    empty_images: Literal["all", "balanced"] = "all"
    frame: Literal["mask", "input"] = "mask"
    chosen_by: Literal["dice_nonempty", "dice_empty_is_one"] = "dice_nonempty"
    threshold_rule: Literal["validation", "half"] = "validation"
    precision: Precision = "auto"
    checkpoint_every_seconds: float = 300.0
