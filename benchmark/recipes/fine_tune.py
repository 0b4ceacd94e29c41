"""Fine-tuning for classification."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from benchmark.recipes.base import Precision
from benchmark.recipes.labelled import LabelledRecipe


@dataclass(frozen=True)
class FineTuneRecipe(LabelledRecipe):
    """Fine-tuning end to end with a linear head on the pooled features of the encoder.

    Attributes:
        steps, warmup_steps: Optimiser steps by label percent.
        optimizer: `sgd` or `adamw`; linear warm-up, then half a cosine to 0, by step.
        gradient_clip: Largest norm of the gradient of a step; null does not clip.
        drop_path: Stochastic depth of the encoder.
        crop_scale: Share of the area of a random crop, which is resized to the input.
        flip_probability: Of a horizontal flip.
        weighted_loss: Weigh positives by the inverse class frequency of the training subset;
            with `one_of_many`, images by the inverse frequency of their class.
        precision: `auto` is float32 on CPU and mixed precision on GPU.
    """

    steps: Mapping[str, int] = field(default_factory=dict)
    warmup_steps: Mapping[str, int] = field(default_factory=dict)
    optimizer: Literal["sgd", "adamw"] = "sgd"
    gradient_clip: float | None = 1.0
    drop_path: float = 0.1
    crop_scale: tuple[float, float] = (0.08, 1.0)
    flip_probability: float = 0.5
    weighted_loss: bool = False
    precision: Precision = "auto"
