"""How a segmenter is trained: what on, with which steps, and how batches are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor

from benchmark.errors import UsageError
from benchmark.protocols.classification import scored_rows
from benchmark.protocols.search import for_percent
from benchmark.protocols.segment_loss import MaskLoss, with_auxiliary
from benchmark.protocols.segment_masks import TrueMasks
from benchmark.protocols.segment_model import SMALLEST_BATCH, Segmenter
from benchmark.protocols.segment_predict import Comparison, predict
from benchmark.protocols.segment_selection import (
    BEST_FILE,
    BestSegmenter,
    MaskSelection,
    balanced_rows,
    mask_selection,
)
from benchmark.protocols.selection import evaluation_steps
from benchmark.recipes.segment import SegmentRecipe
from benchmark.seeds import generator_from
from benchmark.training.augment import flip_and_affine, random_resized_crop
from benchmark.training.batches import BatchPlan
from benchmark.training.device import choose_precision
from benchmark.training.layer_decay import adamw_by_layer
from benchmark.training.loop import TrainPlan, train
from benchmark.training.schedules import Rate, WarmupConstant, WarmupCosine, WarmupLinear

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmark.protocols.context import CellContext
    from benchmark.protocols.inputs import InputReader
    from benchmark.training.history import History


@dataclass(frozen=True)
class SegmentInputs:
    """What a cell is trained and scored on.

    Attributes:
        reader: Squares of the images.
        masks: The targets.
        compared: Where predictions and targets are compared.
        rows: Of the training images.
        chosen_by: The selection set.
    """

    reader: InputReader
    masks: TrueMasks
    compared: Comparison
    rows: np.ndarray
    chosen_by: MaskSelection


def segment_plan(context: CellContext, recipe: SegmentRecipe) -> TrainPlan:
    """Steps, rates and seeds of a cell.

    Raises:
        UsageError: The recipe asks for what segmentation does not do, or does not name the cell's
            label percent.
    """
    if recipe.learning_rate_search:
        raise UsageError("Segmentation searches no learning rate: name one in `learning_rates`.")
    if recipe.crop_scale is not None and (recipe.rotation_degrees or recipe.scale != (1.0, 1.0)):
        raise UsageError("`crop_scale` takes the place of `rotation_degrees` and `scale`.")
    if recipe.batch_size < SMALLEST_BATCH:
        raise UsageError(
            f"`batch_size` is {recipe.batch_size}; the decoder's batch normalisation needs at "
            f"least {SMALLEST_BATCH}."
        )
    label = context.cell.labels
    steps = for_percent(recipe.steps, label, "steps")
    warmup = min(steps, for_percent(recipe.warmup_steps, label, "warmup_steps"))
    rate = float(for_percent(recipe.learning_rates, label, "learning_rates"))
    seeds = context.cell.seeds
    return TrainPlan(
        steps=steps,
        rate=make_schedule(recipe, rate, steps, warmup),
        seed_axes=("segment", context.task.name, label, seeds.subset, seeds.head),
        gradient_clip=recipe.gradient_clip,
        precision=choose_precision(recipe.precision, context.device),
        device=context.device,
        checkpoint_every_seconds=recipe.checkpoint_every_seconds,
        identity=f"{context.cell.key}/{steps}",
    )


def make_schedule(recipe: SegmentRecipe, peak: float, steps: int, warmup_steps: int) -> Rate:
    """The recipe's schedule."""
    if recipe.schedule == "cosine":
        return WarmupCosine(peak, steps, warmup_steps)
    if recipe.schedule == "constant":
        return WarmupConstant(peak, warmup_steps)
    return WarmupLinear(peak, steps, warmup_steps)


def segment_inputs(
    context: CellContext, recipe: SegmentRecipe, reader: InputReader
) -> SegmentInputs:
    """The rows that take part, with their masks; small sets are kept in memory."""
    masks = TrueMasks(context, reader.size)
    rows = np.asarray(context.rows.train, dtype=np.int64)
    masks.require(np.concatenate([rows, scored_rows(context)[0]]))
    if recipe.empty_images == "balanced":
        drawn = generator_from("balanced", context.task.name, context.cell.seeds.subset)
        rows = balanced_rows(rows, masks.nonempty(rows), drawn)
    chosen_by = mask_selection(context, recipe, masks)
    reader.preload(np.union1d(rows, chosen_by.rows), context.progress)
    return SegmentInputs(reader, masks, Comparison(masks, recipe.frame), rows, chosen_by)


def train_segmenter(
    context: CellContext,
    model: Segmenter,
    plan: TrainPlan,
    inputs: SegmentInputs,
    should_stop: Callable[[int], bool] | None,
) -> tuple[History, BestSegmenter]:
    """Train, or continue to train; what was best stands beside the last weights."""
    recipe = cast(SegmentRecipe, context.recipe)
    best = BestSegmenter(context.folder / BEST_FILE, plan.identity)
    best.resume()
    due = evaluation_steps(plan.steps, recipe.evaluations) if len(inputs.chosen_by.rows) else set()

    def after_step(step: int) -> None:
        if step in due and not best.knows(step):
            batch = recipe.evaluation_batch or recipe.batch_size
            found = predict(model, inputs.reader, inputs.compared, inputs.chosen_by.rows, batch)
            best.consider(step, *inputs.chosen_by.best_of(found), model)

    history = train(
        model,
        _loss_function(recipe, model, plan, inputs),
        adamw_by_layer(
            model,
            weight_decay=recipe.weight_decay,
            layer_decay=recipe.layer_decay,
            betas=recipe.betas,
        ),
        plan,
        folder=context.folder,
        progress=context.progress,
        stage="training the segmenter",
        after_step=after_step,
        should_stop=should_stop,
    )
    return history, best


def _loss_function(
    recipe: SegmentRecipe, model: Segmenter, plan: TrainPlan, inputs: SegmentInputs
) -> Callable[[int, int], Mapping[str, Tensor]]:
    """The losses of one batch, with image and mask augmented together.

    Every batch is full: a set smaller than one is repeated, and what does not fill a batch at
    the end of an epoch waits for the next. A mask that was turned or scaled is inside where its
    bilinear value is at least a half.
    """
    reader, rows = inputs.reader, inputs.rows
    repeats = -(-recipe.batch_size // len(rows))
    samples = len(rows) * repeats
    batches = BatchPlan(samples, recipe.batch_size, plan.seed_axes, drop_last=True)
    loss = MaskLoss.of(recipe)

    def loss_function(step: int, micro_step: int) -> Mapping[str, Tensor]:
        members = rows[batches.rows(step, micro_step) % len(rows)]
        images = reader.unit(members)
        reader.ahead(rows[batches.rows(step + 1) % len(rows)])
        both = torch.cat([images, inputs.masks.squares(members).to(images.device)], dim=1)
        both = augmented(both, recipe, batches.torch_generator("augment", step))
        target = (both[:, 1:] >= 0.5).float()
        main, auxiliary = model(reader.normalise(both[:, :1]))
        return with_auxiliary(loss, main, auxiliary, target, recipe.auxiliary_weight)

    return loss_function


def augmented(both: Tensor, recipe: SegmentRecipe, generator: torch.Generator) -> Tensor:
    """Images and masks (B, 2, S, S) under one random crop, or one flip, turn and scale."""
    if recipe.crop_scale is not None:
        return random_resized_crop(
            both,
            generator,
            both.shape[-1],
            scale=recipe.crop_scale,
            flip_probability=recipe.flip_probability,
        )
    return flip_and_affine(
        both,
        generator,
        flip_probability=recipe.flip_probability,
        rotation_degrees=recipe.rotation_degrees,
        scale=recipe.scale,
    )
