"""Segmentation: a decoder on the maps of the encoder, one mask an image.

As MaCo's and MRM's SIIM scripts (method sheet, section 10): UPerNet on four blocks of the
transformer at 512 px, focal and Dice loss, AdamW with layer-wise rate decay; or a U-Net on a
frozen ResNet, as GLoRIA, MGCA and G2D. Their backbone has relative positions besides, which are
not in the pre-trained weights; the trunk here has the encoder's own positions, interpolated.

Stored are, for validation and test, the targets, the counts at 20 thresholds and the masks at the
chosen one, in the frame that the recipe names (`SegmentRecipe.frame`): the mask's own, into which
probabilities are moved bilinearly, or the input square, into which the mask is moved by area.
The probability of an image is that of its plain square: no flips, no sliding window, and no rule
that removes small regions.

An interrupted run goes on from its checkpoint and ends with the same predictions.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from torch import nn

from benchmark.interfaces import Outcome
from benchmark.metrics.mask_runs import MaskRuns
from benchmark.protocols.classification import scored_rows, training_facts
from benchmark.protocols.features import evaluation_reader
from benchmark.protocols.segment_model import Segmenter, start_decoder
from benchmark.protocols.segment_predict import THRESHOLDS, predict
from benchmark.protocols.segment_sentinel import described_arrays, sentinel_outcome
from benchmark.protocols.segment_training import (
    SegmentInputs,
    segment_inputs,
    segment_plan,
    train_segmenter,
)
from benchmark.recipes.segment import SegmentRecipe
from benchmark.seeds import seed_from
from benchmark.training import checkpoint
from benchmark.training.device import peak_memory_mib, reset_peak_memory

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmark.protocols.context import CellContext
    from benchmark.protocols.segment_selection import BestSegmenter
    from benchmark.training.history import History
    from benchmark.training.loop import TrainPlan

VERSION = 1


def run(context: CellContext, should_stop: Callable[[int], bool] | None = None) -> Outcome:
    """Train the decoder, and the encoder unless it is frozen; predict validation and test.

    Args:
        context: Of the cell.
        should_stop: Asked after each step; true stores the state and raises
            `TrainingInterrupted`.

    Raises:
        UsageError: The recipe asks for what segmentation does not do.
        BadDataError: The mask of an image is not known.
        DivergenceError: A loss or a probability is no longer finite.
    """
    if context.predict is not None:
        return sentinel_outcome(context)
    recipe = cast(SegmentRecipe, context.recipe)
    plan = segment_plan(context, recipe)
    representation = context.representation()
    reset_peak_memory(context.device)
    model = Segmenter(
        representation.dense_trunk(recipe.taps, recipe.drop_path),
        recipe,
        seed_from("head", context.task.name, context.cell.seeds.head),
    ).to(context.device)
    handed_over = start_decoder(model, representation, recipe)
    with ExitStack() as stack:
        reader = stack.enter_context(evaluation_reader(context, representation, recipe.image_size))
        inputs = segment_inputs(context, recipe, reader)
        history, best = train_segmenter(context, model, plan, inputs, should_stop)
        if best.weights:
            model.load_state_dict(best.weights)
        rows = scored_rows(context)[0]
        found = predict(
            model,
            reader,
            inputs.compared,
            rows,
            recipe.evaluation_batch or recipe.batch_size,
            threshold=best.threshold,
            progress=context.progress,
        )
    checkpoint.remove(context.folder / checkpoint.NAME)
    best.forget()
    return Outcome(
        predictions={
            **described_arrays(context, found.truth, found.frames),
            "prediction_runs": cast(MaskRuns, found.masks).runs,
            "prediction_offsets": cast(MaskRuns, found.masks).offsets,
            "threshold": np.array([best.threshold]),
            "thresholds": np.array(THRESHOLDS),
            "predicted_pixels": found.predicted,
            "common_pixels": found.common,
        },
        selection={
            **inputs.chosen_by.described(),
            "step": best.step or plan.steps,
            "score": best.score,
            "threshold": best.threshold,
        },
        facts={**_facts(context, model, plan, inputs, best, history), **handed_over},
        timing={
            "training_seconds": history.wall_seconds,
            "training_peak_memory_mib": peak_memory_mib(context.device),
        },
    )


def _facts(
    context: CellContext,
    model: Segmenter,
    plan: TrainPlan,
    inputs: SegmentInputs,
    best: BestSegmenter,
    history: History,
) -> dict[str, Any]:
    recipe = cast(SegmentRecipe, context.recipe)
    label = context.cell.labels
    return {
        **training_facts(context),
        "steps": plan.steps,
        "learning_rate": float(recipe.learning_rates[label]),
        "samples_per_step": recipe.batch_size,
        "trained_images": len(inputs.rows),
        "trained_nonempty_images": int(inputs.masks.nonempty(inputs.rows).sum()),
        "precision": plan.precision.name,
        "image_size": inputs.reader.size,
        "frame": recipe.frame,
        "encoder_parameters": _count(model.trunk),
        "trained_parameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
        "evaluations": best.curve,
        "final_losses": history.final_losses(),
    }


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
