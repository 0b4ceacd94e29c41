"""How long a method is pre-trained: equal images, or equal multiply-adds.

A ResNet that sees whole images and a transformer that sees half of the patches do not do the same
work an image. Under the budget `images` every method sees the corpus `epochs` times. Under `flops`
all methods may spend the same number of forward multiply-adds: `gmacs_per_image` for each image of
those epochs, whatever the method makes of them; cheap methods then see more images, costly ones
fewer. Backward passes cost about twice the forward one for all of them and are left out.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, cast

import torch
from torch import nn

from benchmark.errors import UsageError
from benchmark.protocols.operations import count_pass

if TYPE_CHECKING:
    from benchmark.interfaces import PretrainBatch, Representation
    from benchmark.recipes import PretrainRecipe
    from benchmark.training.batches import BatchPlan

GIGA = 1e9


def forward_macs_per_sample(representation: Representation, batch: PretrainBatch) -> int:
    """Multiply-adds of the pre-training forward for one sample of a batch.

    Counted once, on a copy, so that neither running statistics nor queues are touched; matrix
    products and convolutions (`benchmark.protocols.operations`).
    """
    model = copy.deepcopy(cast(nn.Module, representation)).eval()
    method = cast("Representation", model)
    counted = count_pass(model, lambda: method.pretraining_loss(batch, torch.Generator()))
    return round(sum(counted.macs.values()) / len(batch.images))


def steps_of(recipe: PretrainRecipe, batches: BatchPlan, macs_per_sample: int) -> int:
    """Optimiser steps that the budget allows; 0 where nothing is trained.

    Raises:
        UsageError: The budget is `flops`, and the recipe does not say how much there is.
    """
    steps = batches.steps_for(recipe.epochs)
    if recipe.budget == "images" or steps == 0:
        return steps
    if recipe.gmacs_per_image <= 0:
        raise UsageError(
            "The budget is `flops`, and the pre-training recipe gives no `gmacs_per_image`.",
            remedy="Set it in the profile, or with --recipe pretrain.gmacs_per_image=VALUE.",
        )
    return max(1, round(steps * recipe.gmacs_per_image * GIGA / max(macs_per_sample, 1)))


def snapshot_steps(recipe: PretrainRecipe, steps: int) -> dict[int, int]:
    """Percent of the budget by the step after which the weights are kept besides."""
    for percent in recipe.snapshots:
        if not 0 < percent < 100:
            raise UsageError(f"A snapshot at {percent} % is not within the budget.")
    return {max(1, round(steps * percent / 100)): percent for percent in recipe.snapshots}
