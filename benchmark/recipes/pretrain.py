"""How a method is pre-trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from benchmark.recipes.base import Precision, Recipe


@dataclass(frozen=True)
class PretrainRecipe(Recipe):
    """Pre-training on images and reports.

    Attributes:
        epochs: Passes over the corpus; 0 leaves the initial weights (`random_init`).
        budget: What is equal between methods: `images` (the epochs as they stand) or `flops`
            (forward multiply-adds; see `benchmark.protocols.pretrain_budget`).
        gmacs_per_image: For `flops`: 10^9 multiply-adds for each image of the epochs.
        snapshots: Percents of the budget at which the weights are kept besides the last ones.
        contrastive_batch: Pairs that stand in one softmax.
        accumulation: Such batches an optimiser step.
        learning_rate: Peak rate, absolute.
        trial_rates: Peak rates that are tried first, each for `trial_share` of the budget; the
            one with the lowest held-out loss replaces `learning_rate`. Empty: no trials.
        trial_share: Part of the budget that one trial takes, besides the budget itself.
        final_learning_rate: At the end of the schedule.
        warmup_epochs: Linear warm-up, then half a cosine to `final_learning_rate`, by step.
        weight_decay, betas: Of AdamW; nothing decays biases and norms.
        gradient_clip: Largest norm of the gradient of a step; null does not clip.
        flip_probability: Horizontal flip; it makes left and right unlearnable (traps 3).
        rotation_degrees: Rotation, uniform in plus and minus this.
        scale: Magnification, uniform between these.
        views: `frontal` or `all`.
        ms_cxr_in_pretraining: `exclude` drops every patient that any task tests or tunes on.
        shear_degrees: Horizontal shear, uniform in plus and minus this.
        translation: Shift, uniform in plus and minus this share of the side.
        crop_scale: Share of the area of a random crop with aspect ratio 3/4 to 4/3, which then
            stands in place of the affine transform; 1 to 1 = off.
        brightness: Factor on the grey values, uniform between these; 1 to 1 = off.
        contrast: Factor on the distance from the image's mean, likewise.
        blur_sigma: Standard deviation of a Gaussian blur in per mille of the side, uniform
            between these; 0 to 0 = off.
        image_views: 2 where the method compares two augmentations of an image.
        sentence_sampling: Split the report, shuffle, keep a random number of sentences.
        text_sections: Sections of the report that are read, in this order.
        start_from: Baseline whose pre-training on the same corpus makes the start weights: every
            tensor of equal name and shape is taken, and its tokenizer. `house` is the start that
            the method's spec names. Empty: initial weights.
        checkpoint_every_seconds: Wall time between resumable checkpoints.
        precision: `auto` is float32 on CPU and mixed precision on GPU.
    """

    epochs: float = 30
    budget: Literal["images", "flops"] = "images"
    gmacs_per_image: float = 0.0
    snapshots: tuple[int, ...] = ()
    contrastive_batch: int = 512
    accumulation: int = 1
    learning_rate: float = 4.5e-4
    trial_rates: tuple[float, ...] = ()
    trial_share: float = 0.1
    final_learning_rate: float = 0.0
    warmup_epochs: float = 2
    weight_decay: float = 0.05
    betas: tuple[float, float] = (0.9, 0.95)
    gradient_clip: float | None = None
    flip_probability: float = 0.5
    rotation_degrees: float = 20.0
    scale: tuple[float, float] = (0.8, 1.2)
    shear_degrees: float = 0.0
    translation: float = 0.0
    crop_scale: tuple[float, float] = (1.0, 1.0)
    brightness: tuple[float, float] = (1.0, 1.0)
    contrast: tuple[float, float] = (1.0, 1.0)
    blur_sigma: tuple[float, float] = (0.0, 0.0)
    image_views: int = 1
    views: Literal["frontal", "all"] = "frontal"
    ms_cxr_in_pretraining: Literal["exclude", "include"] = "exclude"
    sentence_sampling: bool = True
    text_sections: tuple[str, ...] = ("findings", "impression")
    start_from: str = ""
    checkpoint_every_seconds: float = 60.0
    precision: Precision = "auto"
