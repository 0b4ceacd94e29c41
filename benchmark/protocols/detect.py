"""Detection: a detector of mmdet on the encoder's maps, trained on boxes.

ViTDet's two-stage detector for MaCo's Table 4, YOLOv3 for LoVT's and G2D's, on whatever encoder
offers maps; the encoder learns too, or is frozen. AdamW, linear warm-up and half cosine by step,
flip and scale jitter; the encoder's layers may have rates of their own (layer-wise decay).

An interrupted run goes on from its last checkpoint and ends with the same weights on a CPU. On a
GPU the gradient of RoIAlign adds up in any order, so that the last bits may differ.

mmdet takes up to a minute to import: that happens where a detector is built, and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from benchmark.detection.truth import BoxTruth, read_truth
from benchmark.errors import NotApplicable, UsageError
from benchmark.interfaces import Outcome, Representation
from benchmark.protocols.classification import SCORED_SPLITS
from benchmark.protocols.detect_arrays import FoundBoxes, described, offsets
from benchmark.protocols.detect_batches import TrainingBatches
from benchmark.protocols.detect_predict import found_boxes, precision_on
from benchmark.protocols.detect_selection import BestDetector, choosing_images
from benchmark.protocols.detect_sentinel import sentinel_outcome
from benchmark.protocols.features import evaluation_reader
from benchmark.protocols.search import for_percent
from benchmark.protocols.selection import evaluation_steps
from benchmark.recipes.detect import DetectRecipe
from benchmark.seeds import seed_from
from benchmark.training import checkpoint
from benchmark.training.device import (
    choose_precision,
    peak_memory_mib,
    private_random_state,
    reset_peak_memory,
)
from benchmark.training.layer_decay import adamw_by_layer
from benchmark.training.loop import TrainPlan, train
from benchmark.training.schedules import WarmupCosine

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    from benchmark.detection.detector import Detector
    from benchmark.protocols.context import CellContext
    from benchmark.protocols.inputs import InputReader
    from benchmark.training.history import History

VERSION = 1
LAST_BLOCK = 12
"""The map that a transformer's pyramid is made of, in twelfths of the depth."""


@dataclass(frozen=True)
class _Trained:
    """A finished training: its history, its best checkpoint, what that is called in the record."""

    plan: TrainPlan
    history: History
    best: BestDetector
    selection: Mapping[str, Any]


def run(context: CellContext, should_stop: Callable[[int], bool] | None = None) -> Outcome:
    """Train on the labelled subset, choose the checkpoint, predict for validation and test.

    Args:
        context: Of the cell.
        should_stop: Asked after each step; true stores the state and raises
            `TrainingInterrupted`.

    Raises:
        NotApplicable: The recipe wants images with boxes, and no training image has one.
        UsageError: The recipe lacks something for this label percent.
    """
    if context.predict is not None:
        return sentinel_outcome(context)
    recipe = cast(DetectRecipe, context.recipe)
    plan = _train_plan(context, recipe)
    truths = _truths(context)
    if not len(truths["train"]):
        raise NotApplicable(
            f"None of the {len(context.rows.train)} training images at {context.cell.labels} % of "
            "the labels has a box: there is nothing to learn from."
        )
    representation = context.representation()
    reset_peak_memory(context.device)
    with evaluation_reader(context, representation, recipe.image_size) as reader:
        detector = _detector(context, representation, reader.size)
        trained = _train(context, detector, reader, truths, plan, should_stop)
        if trained.best.weights:
            detector.load_state_dict(trained.best.weights)
        found = [
            found_boxes(context, detector, reader, truths[split], offsets(truths)[split])
            for split in SCORED_SPLITS
        ]
    checkpoint.remove(context.folder / checkpoint.NAME)
    trained.best.forget()
    return Outcome(
        predictions={**described(context, truths), **FoundBoxes.joined(found).arrays()},
        selection=trained.selection,
        facts=_facts(context, detector, truths, trained),
        timing={
            "training_seconds": trained.history.wall_seconds,
            "training_peak_memory_mib": peak_memory_mib(context.device),
            "box_operators": detector.operators,
        },
    )


def _truths(context: CellContext) -> dict[str, BoxTruth]:
    recipe = cast(DetectRecipe, context.recipe)
    labels = getattr(context.rows, "labels", None)
    return {
        split: read_truth(
            context.manifest,
            np.asarray(getattr(context.rows, split), dtype=np.int64),
            context.task.classes,
            context.manifest.labels if labels is None else labels,
            recipe.negatives,
            context.store().original_size,
        )
        for split in ("train", *SCORED_SPLITS)
    }


def _train_plan(context: CellContext, recipe: DetectRecipe) -> TrainPlan:
    label = context.cell.labels
    if recipe.learning_rate_search:
        raise UsageError(
            "The protocol `detect` searches no learning rate.",
            remedy="Leave `learning_rate_search` empty.",
        )
    peak = for_percent(recipe.learning_rates, label, "learning_rates")
    steps = for_percent(recipe.steps, label, "steps")
    warmup = min(steps, for_percent(recipe.warmup_steps, label, "warmup_steps"))
    seeds = context.cell.seeds
    return TrainPlan(
        steps=steps,
        rate=WarmupCosine(peak, steps, warmup, recipe.final_rate * peak),
        seed_axes=("detect", context.task.name, label, seeds.subset, seeds.head),
        accumulation=recipe.accumulation,
        gradient_clip=recipe.gradient_clip,
        precision=choose_precision(recipe.precision, context.device),
        device=context.device,
        checkpoint_every_seconds=recipe.checkpoint_every_seconds,
        identity=f"{context.cell.key}/{steps}/{recipe.batch_size}/{recipe.accumulation}",
    )


def _detector(context: CellContext, representation: Representation, image_size: int) -> Detector:
    """A fresh copy of the encoder with a fresh neck and heads, equal at every call."""
    from benchmark.detection.detector import build_detector

    recipe = cast(DetectRecipe, context.recipe)
    with private_random_state(context.device):
        trunk = representation.dense_trunk(
            (LAST_BLOCK,), recipe.drop_path, recipe.window, recipe.global_blocks
        )
        return build_detector(
            trunk,
            recipe,
            len(context.task.classes),
            image_size,
            seed_from("head", context.task.name, context.cell.seeds.head),
        ).to(context.device)


def _train(
    context: CellContext,
    detector: Detector,
    reader: InputReader,
    truths: Mapping[str, BoxTruth],
    plan: TrainPlan,
    should_stop: Callable[[int], bool] | None,
) -> _Trained:
    recipe = cast(DetectRecipe, context.recipe)
    chosen_by = choosing_images(context, truths["validation"])
    reader.preload(np.union1d(truths["train"].rows, chosen_by.rows), context.progress)
    batches = TrainingBatches(truths["train"], recipe, reader, plan.seed_axes)

    def loss_function(step: int, micro_step: int) -> Mapping[str, Tensor]:
        return detector.losses(*batches(step, micro_step))

    best = BestDetector.resume(context.folder, plan.identity)
    due = evaluation_steps(plan.steps, recipe.evaluations) if len(chosen_by.rows) else set()

    def after_step(step: int) -> None:
        if step in due and not best.knows(step):
            value = precision_on(context, detector, reader, truths["validation"], chosen_by.rows)
            best.consider(step, value, detector)

    history = train(
        detector,
        loss_function,
        adamw_by_layer(detector, weight_decay=recipe.weight_decay, layer_decay=recipe.layer_decay),
        plan,
        folder=context.folder,
        progress=context.progress,
        stage="training a detector",
        after_step=after_step,
        should_stop=should_stop,
    )
    selection = {
        **chosen_by.described(),
        "step": best.step or plan.steps,
        "metric": recipe.selection_metric,
        "value": best.value,
    }
    return _Trained(plan, history, best, selection)


def _facts(
    context: CellContext,
    detector: Detector,
    truths: Mapping[str, BoxTruth],
    trained: _Trained,
) -> dict[str, Any]:
    from benchmark.detection.detector import parameter_counts

    recipe, plan = cast(DetectRecipe, context.recipe), trained.plan
    rows = truths["train"].rows
    return {
        "steps": plan.steps,
        "learning_rate": for_percent(recipe.learning_rates, context.cell.labels, "learning_rates"),
        "train_images": len(rows),
        "train_patients": int(context.manifest.images["patient"].iloc[rows].nunique()),
        "samples_per_step": min(recipe.batch_size, len(rows)),
        "splits": {split: truth.counts() for split, truth in truths.items()},
        "precision": plan.precision.name,
        "neck": detector.neck_name,
        "strides": list(detector.strides),
        **parameter_counts(detector),
        "evaluations": trained.best.curve,
        "final_losses": trained.history.final_losses(),
    }
