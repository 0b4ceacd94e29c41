"""AdamW with layer-wise rate decay, and the schedules of segmentation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from benchmark.training.schedules import WarmupCosine

if TYPE_CHECKING:
    from benchmark.protocols.segment_model import Segmenter
    from benchmark.recipes.segment import SegmentRecipe
    from benchmark.training.schedules import Rate

RATE_SCALE = "rate_scale"
"""Key of a parameter group: factor on the rate of the step."""


@dataclass(frozen=True)
class WarmupLinear:
    """A straight line from the peak to 0, times a linear warm-up.

    mmsegmentation's polynomial policy of power 1: step `t` has the rate `peak * (1 - t / steps)`,
    in the warm-up times `(t + 1) / warmup_steps`, so that no step has the rate 0.

    Attributes:
        peak: Absolute; reached nearly, since the line falls during the warm-up already.
        steps: In all, warm-up included.
        warmup_steps: May be 0.
    """

    peak: float
    steps: int
    warmup_steps: int = 0

    def __call__(self, step: int) -> float:
        """Rate of a step, counted from 0."""
        warm = min(1.0, (step + 1) / self.warmup_steps) if self.warmup_steps else 1.0
        return self.peak * warm * (1.0 - step / max(1, self.steps))


@dataclass(frozen=True)
class WarmupConstant:
    """A linear warm-up, then the peak."""

    peak: float
    warmup_steps: int = 0

    def __call__(self, step: int) -> float:
        """Rate of a step, counted from 0."""
        if step < self.warmup_steps:
            return self.peak * (step + 1) / self.warmup_steps
        return self.peak


def make_schedule(recipe: SegmentRecipe, peak: float, steps: int, warmup_steps: int) -> Rate:
    """The recipe's schedule."""
    if recipe.schedule == "cosine":
        return WarmupCosine(peak, steps, warmup_steps)
    if recipe.schedule == "constant":
        return WarmupConstant(peak, warmup_steps)
    return WarmupLinear(peak, steps, warmup_steps)


def make_adamw(model: Segmenter, recipe: SegmentRecipe) -> torch.optim.AdamW:
    """AdamW whose groups have the factor `layer_decay ** (layers above)` on their rate.

    The training loop gives every group the rate of the step; a hook before each step multiplies
    it by the group's factor.
    """
    optimizer = torch.optim.AdamW(
        parameter_groups(model, recipe.weight_decay, recipe.layer_decay),
        lr=0.0,
        betas=recipe.betas,
    )
    optimizer.register_step_pre_hook(_scale_rates)
    return optimizer


def parameter_groups(
    model: Segmenter, weight_decay: float, layer_decay: float
) -> list[dict[str, Any]]:
    """Trainable parameters by layer and decay: biases and 0- or 1-D parameters are not decayed."""
    groups: dict[tuple[int, bool], dict[str, Any]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        layer = model.layer_of(name)
        decayed = parameter.ndim > 1 and not name.endswith(".bias")
        group = groups.setdefault(
            (layer, decayed),
            {
                "params": [],
                "weight_decay": weight_decay if decayed else 0.0,
                RATE_SCALE: layer_decay ** (model.layers - layer),
            },
        )
        group["params"].append(parameter)
    return [groups[key] for key in sorted(groups)]


def _scale_rates(optimizer: torch.optim.Optimizer, *_: object) -> None:
    for group in optimizer.param_groups:
        group["lr"] *= group[RATE_SCALE]
