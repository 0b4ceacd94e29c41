"""Linear heads on stored features, and how they are trained by steps of an optimiser."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.protocols.classifier import HeadLoss, make_head, probabilities
from benchmark.protocols.selection import BestCheckpoint, SelectionSet, evaluation_steps
from benchmark.training.batches import BatchPlan
from benchmark.training.device import one_thread, private_random_state
from benchmark.training.loop import TrainPlan, train
from benchmark.training.optimizers import make_optimizer
from benchmark.training.schedules import WarmupCosine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmark.interfaces import Progress
    from benchmark.recipes import LinearProbeRecipe, Target


@dataclass(frozen=True)
class Scale:
    """Shift and factor of each feature, (D,)."""

    shift: np.ndarray
    factor: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray, standardise: bool) -> Scale:
        """From training features (n, D); a constant feature keeps the factor 1."""
        width = features.shape[1]
        if not standardise:
            return cls(np.zeros(width, np.float32), np.ones(width, np.float32))
        mean = features.mean(axis=0, dtype=np.float64)
        spread = features.std(axis=0, dtype=np.float64)
        constant = spread <= 1e-6 * np.maximum(np.abs(mean), 1e-6)
        factor = 1.0 / np.where(constant, 1.0, spread)
        return cls(mean.astype(np.float32), factor.astype(np.float32))

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Scaled features, float32."""
        scaled: np.ndarray = (features - self.shift) * self.factor
        return scaled


@dataclass(frozen=True)
class Table:
    """What a head is trained on and chosen by; features are scaled already.

    Attributes:
        features: (n, D) float32 of the training images.
        truth: (n, k), NaN for unknown.
        selection_features: (m, D) of the selection set.
        chosen_by: The selection set.
    """

    features: np.ndarray
    truth: np.ndarray
    selection_features: np.ndarray
    chosen_by: SelectionSet


@dataclass(frozen=True)
class Head:
    """A trained head.

    Attributes:
        weight: (k, D) float32.
        bias: (k,) float32.
        auc: Mean AUC on the selection set, or None where nothing chose.
        step: Optimiser step or solver iteration that it was taken at.
        facts: For the record.
        seconds: Of the training.
    """

    weight: np.ndarray
    bias: np.ndarray
    auc: float | None = None
    step: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    def scores(self, features: np.ndarray, target: Target) -> np.ndarray:
        """Probabilities (n, k) float32 of scaled features."""
        logits = features.astype(np.float64) @ self.weight.T.astype(np.float64) + self.bias
        return probabilities(torch.from_numpy(logits), target).numpy()


@dataclass(frozen=True)
class HeadPlan:
    """Where a head starts and how long it is trained.

    Attributes:
        epochs: Passes over the training features.
        seed: Of the initial weights.
        seed_axes: Named axes of the order of the images.
    """

    epochs: float
    seed: int
    seed_axes: tuple[object, ...]


def train_head(
    table: Table, recipe: LinearProbeRecipe, rate: float, plan: HeadPlan, progress: Progress
) -> Head:
    """Steps of SGD or AdamW, half a cosine to 0, the best checkpoint on the selection set.

    Always on the CPU: the features lie there, and a step is too small for a GPU.
    """
    batches = BatchPlan(len(table.features), recipe.batch_size, plan.seed_axes)
    steps = batches.steps_for(plan.epochs)
    with private_random_state("cpu"):
        head = make_head(table.features.shape[1], table.truth.shape[1], plan.seed)
    features, truth = torch.from_numpy(table.features), torch.from_numpy(table.truth).float()
    loss = HeadLoss.of(recipe.target, table.truth, recipe.weighted_loss)
    best, due = BestCheckpoint(), evaluation_steps(steps, recipe.evaluations)

    def loss_function(step: int, micro_step: int) -> Mapping[str, Tensor]:
        members = torch.from_numpy(batches.rows(step, micro_step))
        return {"total": loss(head(features[members]), truth[members])}

    def after_step(step: int) -> None:
        if step in due and len(table.chosen_by.rows):
            scores = _as_head(head).scores(table.selection_features, recipe.target)
            best.consider(step, table.chosen_by.mean_auc(scores), head)

    optimizer = make_optimizer(
        head,
        "sgd" if recipe.solver == "sgd" else "adamw",
        weight_decay=recipe.weight_decay,
        momentum=recipe.momentum,
    )
    warmup = min(steps, batches.steps_for(recipe.warmup_epochs))
    with one_thread():
        history = train(
            head,
            loss_function,
            optimizer,
            TrainPlan(steps, WarmupCosine(rate, steps, warmup), plan.seed_axes),
            progress=progress,
            stage="linear probing",
            after_step=after_step,
        )
    if best.weights:
        head.load_state_dict(best.weights)
    facts = {"steps": steps, "evaluations": best.curve, "final_losses": history.final_losses()}
    trained = _as_head(head)
    return replace(
        trained,
        auc=best.auc,
        step=best.step or steps,
        facts=facts,
        seconds=history.wall_seconds,
    )


def _as_head(module: nn.Linear) -> Head:
    return Head(module.weight.detach().numpy().copy(), module.bias.detach().numpy().copy())
