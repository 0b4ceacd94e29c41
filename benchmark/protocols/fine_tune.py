"""Fine-tuning end to end: a linear head on the pooled features, binary loss per class.

As MaCo's and MRM's classification scripts (method sheet, section 9): SGD, linear warm-up and
half cosine by step, gradient clip, random resized crop and flip, head started at nearly zero.
Unknown labels take no part in the loss. Crops are cut from squares of up to twice the input's
side, so that small ones stay sharp. Where the recipe searches the learning rate, every candidate
is trained in full. An interrupted run starts again: only pre-training, which takes hours, keeps
resumable checkpoints.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.interfaces import Outcome, Representation
from benchmark.protocols.classification import (
    prediction_arrays,
    scored_rows,
    sentinel_outcome,
    training_facts,
)
from benchmark.protocols.classifier import HeadLoss, LinearClassifier, probabilities
from benchmark.protocols.fine_tune_inputs import FineTuneInputs, open_inputs
from benchmark.protocols.search import for_percent, rate_candidates, search
from benchmark.protocols.selection import (
    BestCheckpoint,
    evaluation_steps,
    selection_set,
)
from benchmark.recipes import FineTuneRecipe
from benchmark.seeds import seed_from
from benchmark.training.augment import random_resized_crop
from benchmark.training.batches import BatchPlan
from benchmark.training.device import (
    choose_precision,
    peak_memory_mib,
    private_random_state,
    reset_peak_memory,
)
from benchmark.training.loop import TrainPlan, train
from benchmark.training.optimizers import make_optimizer
from benchmark.training.schedules import WarmupCosine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmark.protocols.context import CellContext
    from benchmark.protocols.inputs import InputReader
    from benchmark.training.history import History


VERSION = 1


@dataclass(frozen=True)
class _Trained:
    """A finished training: its best checkpoint, or its last step where nothing chose."""

    plan: TrainPlan
    best: BestCheckpoint
    history: History
    weights: Mapping[str, Tensor]

    @property
    def auc(self) -> float | None:
        return self.best.auc

    @property
    def step(self) -> int:
        return self.best.step or self.plan.steps


def run(context: CellContext) -> Outcome:
    """Fine-tune on the labelled subset, choose the checkpoint, score validation and test."""
    if context.predict is not None:
        return sentinel_outcome(context)
    recipe = cast(FineTuneRecipe, context.recipe)
    chosen_by = selection_set(context)
    candidates = rate_candidates(recipe, context.cell.labels, chosen_by)
    _train_plan(context, recipe, candidates.values[0])
    representation = context.representation()
    reset_peak_memory(context.device)
    seconds = 0.0
    with ExitStack() as stack:
        inputs = open_inputs(context, representation, chosen_by, stack)

        def train_one(rate: float) -> _Trained:
            nonlocal seconds
            trained = _train(context, _model(context, representation), rate, inputs)
            seconds += trained.history.wall_seconds
            return trained

        rate, trained, searched = search(candidates, train_one)
        model = _model(context, representation)
        model.load_state_dict(trained.weights)
        scores = _scores(model, inputs.reader, scored_rows(context)[0], context)
    return Outcome(
        predictions=prediction_arrays(context, scores=scores),
        selection={**chosen_by.described(), **searched, "step": trained.step, "auc": trained.auc},
        facts={
            "steps": trained.plan.steps,
            "learning_rate": rate,
            **training_facts(context),
            "precision": trained.plan.precision.name,
            "image_size": inputs.reader.size,
            "evaluations": trained.best.curve,
            "final_losses": trained.history.final_losses(),
        },
        timing={
            "training_seconds": seconds,
            "training_peak_memory_mib": peak_memory_mib(context.device),
        },
    )


def _model(context: CellContext, representation: Representation) -> LinearClassifier:
    """A fresh copy of the encoder with a fresh head, equal at every call."""
    recipe = cast(FineTuneRecipe, context.recipe)
    with private_random_state(context.device):
        return LinearClassifier(
            representation.classification_trunk(recipe.drop_path),
            representation.feature_dim,
            len(context.task.classes),
            seed_from("head", context.task.name, context.cell.seeds.head),
        ).to(context.device)


def _train(
    context: CellContext, model: LinearClassifier, rate: float, inputs: FineTuneInputs
) -> _Trained:
    recipe = cast(FineTuneRecipe, context.recipe)
    plan = _train_plan(context, recipe, rate)
    rows = np.asarray(context.rows.train, dtype=np.int64)
    batches = BatchPlan(len(rows), recipe.batch_size, plan.seed_axes)
    loss = HeadLoss.of(recipe.target, inputs.truth, recipe.weighted_loss).to(context.device)
    labels, crops = torch.from_numpy(inputs.truth).float(), inputs.crops

    def loss_function(step: int, micro_step: int) -> Mapping[str, Tensor]:
        members = batches.rows(step, micro_step)
        images = crops.unit(rows[members])
        crops.ahead(rows[batches.rows(step + 1)])
        cropped = random_resized_crop(
            images,
            batches.torch_generator("crop", step),
            inputs.reader.size,
            scale=recipe.crop_scale,
            flip_probability=recipe.flip_probability,
        )
        logits = model(crops.normalise(cropped))
        return {"total": loss(logits, labels[torch.from_numpy(members)].to(context.device))}

    best, due = BestCheckpoint(), evaluation_steps(plan.steps, recipe.evaluations)

    def after_step(step: int) -> None:
        if step in due and len(inputs.chosen_by.rows):
            scores = _scores(model, inputs.reader, inputs.chosen_by.rows, context)
            best.consider(step, inputs.chosen_by.mean_auc(scores), model)

    optimizer = make_optimizer(
        model, recipe.optimizer, weight_decay=recipe.weight_decay, momentum=recipe.momentum
    )
    history = train(
        model,
        loss_function,
        optimizer,
        plan,
        progress=context.progress,
        stage="fine-tuning",
        after_step=after_step,
    )
    return _Trained(plan, best, history, best.weights or model.state_dict())


def _train_plan(context: CellContext, recipe: FineTuneRecipe, rate: float) -> TrainPlan:
    label = context.cell.labels
    steps = for_percent(recipe.steps, label, "steps")
    warmup = min(steps, for_percent(recipe.warmup_steps, label, "warmup_steps"))
    return TrainPlan(
        steps=steps,
        rate=WarmupCosine(rate, steps, warmup),
        seed_axes=(
            "fine_tune",
            context.task.name,
            label,
            context.cell.seeds.subset,
            context.cell.seeds.head,
        ),
        gradient_clip=recipe.gradient_clip,
        precision=choose_precision(recipe.precision, context.device),
        device=context.device,
    )


def _scores(
    model: nn.Module, reader: InputReader, rows: np.ndarray, context: CellContext
) -> np.ndarray:
    recipe = cast(FineTuneRecipe, context.recipe)
    model.eval()
    found = []
    with torch.inference_mode():
        for _, images in reader.batches(rows, recipe.evaluation_batch or recipe.batch_size):
            found.append(probabilities(model(images), recipe.target).cpu().numpy())
    if not found:
        return np.empty((0, len(context.task.classes)), dtype=np.float32)
    return np.concatenate(found)
