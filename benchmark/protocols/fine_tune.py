"""Fine-tuning end to end: a linear head on the mean of the patches, binary loss per class.

As MaCo's and MRM's classification scripts (method sheet, section 9): SGD, linear warm-up and
half cosine by step, gradient clip, random resized crop and flip, head started at nearly zero.
Unknown labels take no part in the loss. Crops are cut from squares of up to twice the input's
side, so that small ones stay sharp. An interrupted run starts again: only pre-training, which
takes hours, keeps resumable checkpoints.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.errors import UsageError
from benchmark.interfaces import Outcome, Representation
from benchmark.protocols.classification import (
    prediction_arrays,
    scored_rows,
    sentinel_outcome,
    truth_of,
)
from benchmark.protocols.classifier import LinearClassifier, masked_loss, positive_weights
from benchmark.protocols.features import evaluation_reader
from benchmark.protocols.inputs import InputReader
from benchmark.protocols.selection import SelectionSet, selection_set
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


VERSION = 1
T = TypeVar("T")


@dataclass
class _Best:
    """The checkpoint that the selection set likes best; of equals the earliest."""

    step: int = 0
    auc: float | None = None
    weights: dict[str, Tensor] = field(default_factory=dict)
    curve: list[dict[str, float]] = field(default_factory=list)

    def consider(self, step: int, auc: float, model: nn.Module) -> None:
        self.curve.append({"step": step, "auc": auc})
        if self.auc is None or auc > self.auc:
            self.step, self.auc = step, auc
            self.weights = {
                name: value.detach().cpu().clone() for name, value in model.state_dict().items()
            }


def run(context: CellContext) -> Outcome:
    """Fine-tune on the labelled subset, choose the checkpoint, score validation and test."""
    if context.predict is not None:
        return sentinel_outcome(context)
    recipe = cast(FineTuneRecipe, context.recipe)
    plan = _train_plan(context, recipe)
    representation = context.representation()
    reset_peak_memory(context.device)
    with private_random_state(context.device):
        model = LinearClassifier(
            representation.classification_trunk(recipe.drop_path),
            representation.feature_dim,
            len(context.task.classes),
            seed_from("head", context.task.name, context.cell.seeds.head),
        ).to(context.device)
    chosen_by, best = selection_set(context), _Best()
    with ExitStack() as stack:
        reader = stack.enter_context(evaluation_reader(context, representation))
        reader.preload(chosen_by.rows, context.progress)
        crops = stack.enter_context(_crop_reader(context, representation))
        history = _train(context, model, plan, crops, reader, chosen_by, best)
        if best.weights:
            model.load_state_dict(best.weights)
        scores = _scores(model, reader, scored_rows(context)[0], context)
    return Outcome(
        predictions=prediction_arrays(context, scores=scores),
        selection={**chosen_by.described(), "step": best.step or plan.steps, "auc": best.auc},
        facts={
            **_facts(context, plan, representation),
            "evaluations": best.curve,
            "final_losses": history.final_losses(),
        },
        timing={
            "training_seconds": history.wall_seconds,
            "training_peak_memory_mib": peak_memory_mib(context.device),
        },
    )


def _train(
    context: CellContext,
    model: LinearClassifier,
    plan: TrainPlan,
    crops: InputReader,
    reader: InputReader,
    chosen_by: SelectionSet,
    best: _Best,
) -> Any:
    recipe = cast(FineTuneRecipe, context.recipe)
    rows = np.asarray(context.rows.train, dtype=np.int64)
    batches = BatchPlan(len(rows), recipe.batch_size, plan.seed_axes)
    truth = truth_of(context, rows)
    known = torch.from_numpy(truth).float()
    weights = torch.from_numpy(positive_weights(truth)).float().to(context.device)
    crops.preload(rows, context.progress)

    def loss_function(step: int, micro_step: int) -> Mapping[str, Tensor]:
        members = batches.rows(step, micro_step)
        images = crops.unit(rows[members])
        crops.ahead(rows[batches.rows(step + 1)])
        cropped = random_resized_crop(
            images,
            batches.torch_generator("crop", step),
            reader.size,
            scale=recipe.crop_scale,
            flip_probability=recipe.flip_probability,
        )
        logits = model(crops.normalise(cropped))
        target = known[torch.from_numpy(members)].to(context.device)
        return {"total": masked_loss(logits, target, weights if recipe.weighted_loss else None)}

    due = _evaluation_steps(plan.steps, recipe.evaluations)

    def after_step(step: int) -> None:
        if step in due and len(chosen_by.rows):
            scores = _scores(model, reader, chosen_by.rows, context)
            best.consider(step, chosen_by.mean_auc(scores), model)

    return train(
        model,
        loss_function,
        make_optimizer(
            model, recipe.optimizer, weight_decay=recipe.weight_decay, momentum=recipe.momentum
        ),
        plan,
        progress=context.progress,
        stage="fine-tuning",
        after_step=after_step,
    )


def _train_plan(context: CellContext, recipe: FineTuneRecipe) -> TrainPlan:
    label = context.cell.labels
    steps = _for_percent(recipe.steps, label, "steps")
    return TrainPlan(
        steps=steps,
        rate=WarmupCosine(
            _for_percent(recipe.learning_rates, label, "learning_rates"),
            steps,
            min(steps, _for_percent(recipe.warmup_steps, label, "warmup_steps")),
        ),
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


def _for_percent(values: Mapping[str, T], label: str, name: str) -> T:
    if label not in values:
        raise UsageError(
            f"The recipe has no `{name}` for {label} % of the labels.",
            remedy=f"It has them for: {', '.join(values) or 'none'}.",
        )
    return values[label]


def _evaluation_steps(steps: int, evaluations: int) -> set[int]:
    count = max(1, min(evaluations, steps))
    return {round(steps * (number + 1) / count) for number in range(count)}


def _crop_reader(context: CellContext, representation: Representation) -> InputReader:
    side = representation.image_size
    return InputReader(
        context.store(),
        max(side, min(context.profile.store_size, 2 * side)),
        context.recipe.geometry,
        context.baseline.image_profile,
        device=context.device,
        threads=context.threads,
    )


def _scores(
    model: nn.Module, reader: InputReader, rows: np.ndarray, context: CellContext
) -> np.ndarray:
    model.eval()
    found = []
    with torch.inference_mode():
        for _, images in reader.batches(rows, context.recipe.batch_size):
            found.append(torch.sigmoid(model(images).float()).cpu().numpy())
    if not found:
        return np.empty((0, len(context.task.classes)), dtype=np.float32)
    return np.concatenate(found)


def _facts(context: CellContext, plan: TrainPlan, representation: Representation) -> dict[str, Any]:
    train_rows = np.asarray(context.rows.train)
    patients = context.manifest.images["patient"].iloc[train_rows]
    recipe = cast(FineTuneRecipe, context.recipe)
    return {
        "steps": plan.steps,
        "learning_rate": recipe.learning_rates[context.cell.labels],
        "train_images": len(train_rows),
        "train_patients": int(patients.nunique()),
        "samples_per_step": min(recipe.batch_size, len(train_rows)),
        "precision": plan.precision.name,
        "image_size": representation.image_size,
    }
