"""One training loop, for pre-training and for fine-tuning."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from benchmark.errors import MacoBenchError
from benchmark.seeds import seed_from
from benchmark.training import checkpoint, distributed
from benchmark.training.device import Precision, private_random_state, seed_everything
from benchmark.training.history import History
from benchmark.training.log import RunLog, run_log

if TYPE_CHECKING:
    from pathlib import Path

    from benchmark.interfaces import Arrays, Progress
    from benchmark.training.schedules import Rate

LossFunction = Callable[[int, int], Mapping[str, Tensor]]
"""Step and micro step to scalar losses by name; `total` is minimised."""


class DivergenceError(MacoBenchError):
    """A loss or a gradient is no longer a finite number."""


class TrainingInterrupted(Exception):
    """Training was asked to stop; its state is on the disk."""


@dataclass(frozen=True)
class TrainPlan:
    """How to train.

    Attributes:
        steps: Optimiser steps; 0 trains nothing.
        rate: Learning rate by step.
        seed_axes: Named axes that seed dropout, afresh at each micro step.
        accumulation: Micro batches a step; each loss is divided by this.
        gradient_clip: Largest L2 norm of all gradients, or None.
        precision: Of the forward pass.
        device: Where the model lies.
        arrays_every: Steps between entries of the array history; 0 for the ends alone.
        checkpoint_every_seconds: Wall time between resumable checkpoints.
        identity: Of the run; a checkpoint with another identity is not continued.
    """

    steps: int
    rate: Rate
    seed_axes: tuple[object, ...]
    accumulation: int = 1
    gradient_clip: float | None = None
    precision: Precision = field(default_factory=lambda: Precision("float32", "cpu"))
    device: str = "cpu"
    arrays_every: int = 0
    checkpoint_every_seconds: float = 60.0
    identity: str = ""


@dataclass
class _State:
    """The live objects of a run."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    history: History
    step: int = 0

    def save(self, path: Path, identity: str) -> None:
        content = {
            "identity": identity,
            "step": self.step,
            "model": distributed.unwrap(self.model).state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "history": self.history.state(),
        }
        checkpoint.save_atomically(path, content)

    def restore(self, content: Mapping[str, Any]) -> None:
        distributed.unwrap(self.model).load_state_dict(content["model"])
        self.optimizer.load_state_dict(content["optimizer"])
        self.scaler.load_state_dict(content["scaler"])
        self.history = History.from_state(content["history"])
        self.step = int(content["step"])


def train(
    model: nn.Module,
    loss_function: LossFunction,
    optimizer: torch.optim.Optimizer,
    plan: TrainPlan,
    *,
    folder: Path | None = None,
    progress: Progress | None = None,
    stage: str = "training",
    arrays: Callable[[], Arrays] | None = None,
    after_step: Callable[[int], None] | None = None,
    should_stop: Callable[[int], bool] | None = None,
) -> History:
    """Train `model` in place; continue from `folder / checkpoint.pt` where there is one.

    A run that was interrupted ends with the same weights as an undisturbed one with the same
    threads: batches are functions of the step, and dropout is seeded anew at each micro step.

    Args:
        model: Whose state is stored; wrapped or not.
        loss_function: Computes the losses of one micro batch.
        optimizer: Over the model's parameters; its rate is set here.
        plan: Sizes and rates.
        folder: Where the resumable checkpoint is kept; None keeps none.
        progress: Called after each step.
        stage: Name shown by `progress`.
        arrays: Gives small arrays for the history.
        after_step: Called with the number of finished steps.
        should_stop: Asked with the number of finished steps; true stores the state and raises.

    Raises:
        DivergenceError: A loss or gradient is not finite; names step and parts.
        TrainingInterrupted: `should_stop` said so.
    """
    state = _State(model, optimizer, plan.precision.scaler(), History())
    path = folder / checkpoint.NAME if folder is not None else None
    _resume(state, path, plan)
    if state.step == 0 and arrays is not None:
        state.history.add_arrays(0, arrays())
    last_saved = time.monotonic()
    model.train()
    with private_random_state(plan.device), _log_of(state, stage, plan) as log:
        while state.step < plan.steps:
            started = time.monotonic()
            losses = _one_step(state, loss_function, plan)
            log.add(state.history, state.step)
            if arrays is not None and _takes_arrays(state.step, plan):
                state.history.add_arrays(state.step, arrays())
            if after_step is not None:
                after_step(state.step)
                model.train()
            state.history.wall_seconds += time.monotonic() - started
            if progress is not None and distributed.is_main():
                progress(stage, state.step, plan.steps, _note(losses, state, plan))
            stop = should_stop is not None and should_stop(state.step)
            due = time.monotonic() - last_saved >= plan.checkpoint_every_seconds
            if path is not None and (due or stop or state.step == plan.steps):
                log.flush()
                _save(state, path, plan)
                last_saved = time.monotonic()
            if stop:
                raise TrainingInterrupted(f"stopped after step {state.step} of {plan.steps}")
    return state.history


def _resume(state: _State, path: Path | None, plan: TrainPlan) -> None:
    content = checkpoint.load_last(path) if path is not None else None
    if content is not None and content["identity"] == plan.identity:
        state.restore(content)


def _log_of(state: _State, stage: str, plan: TrainPlan) -> AbstractContextManager[RunLog]:
    """The training log that the runner asked for; of several processes the main one writes."""
    if not distributed.is_main():
        return nullcontext(RunLog())
    return run_log(stage, plan.rate, state.history, state.step)


def _save(state: _State, path: Path, plan: TrainPlan) -> None:
    if distributed.is_main():
        state.save(path, plan.identity)


def _one_step(state: _State, loss_function: LossFunction, plan: TrainPlan) -> dict[str, float]:
    rate = plan.rate(state.step)
    for group in state.optimizer.param_groups:
        group["lr"] = rate
    state.optimizer.zero_grad(set_to_none=True)
    sums: dict[str, Tensor] = {}
    for micro_step in range(plan.accumulation):
        last = micro_step == plan.accumulation - 1
        seed_everything(_dropout_seed(plan, state.step, micro_step), plan.device)
        with distributed.without_sync(state.model, skip=not last):
            with plan.precision.autocast():
                parts = loss_function(state.step, micro_step)
            scaled = state.scaler.scale(parts["total"] / plan.accumulation)
            scaled.backward()  # type: ignore[no-untyped-call]
        for name, value in parts.items():
            share = value.detach().float() / plan.accumulation
            sums[name] = sums[name] + share if name in sums else share
    values = torch.stack(list(sums.values())).tolist()
    losses = dict(zip(sums, values, strict=True))
    _require_finite(losses, state.step)
    norm = _apply(state, plan)
    state.history.add_step(losses, rate, norm)
    state.step += 1
    return losses


def _dropout_seed(plan: TrainPlan, step: int, micro_step: int) -> int:
    return seed_from(*plan.seed_axes, "dropout", step, micro_step, distributed.rank())


def _require_finite(losses: Mapping[str, float], step: int) -> None:
    if not all(math.isfinite(value) for value in losses.values()):
        shown = ", ".join(f"{name} {value:g}" for name, value in losses.items())
        raise DivergenceError(
            f"The loss is not finite at step {step + 1}: {shown}.",
            remedy="Lower the learning rate, clip gradients, or use float32.",
        )


def _apply(state: _State, plan: TrainPlan) -> float:
    """One optimiser step; returns the gradient's norm before clipping."""
    state.scaler.unscale_(state.optimizer)
    limit = math.inf if plan.gradient_clip is None else plan.gradient_clip
    norm = float(nn.utils.clip_grad_norm_(state.model.parameters(), limit))
    # A loss scaler skips steps that overflow, as part of its search; nothing else may.
    if not math.isfinite(norm) and not state.scaler.is_enabled():
        raise DivergenceError(
            f"The gradient is not finite at step {state.step + 1}.",
            remedy="Lower the learning rate, clip gradients, or use float32.",
        )
    state.scaler.step(state.optimizer)
    state.scaler.update()
    return norm


def _takes_arrays(step: int, plan: TrainPlan) -> bool:
    return step == plan.steps or (plan.arrays_every > 0 and step % plan.arrays_every == 0)


def _note(losses: Mapping[str, float], state: _State, plan: TrainPlan) -> str:
    shown = " ".join(f"{name} {value:.4f}" for name, value in losses.items())
    return f"{shown} rate {plan.rate(state.step - 1):.2e}"
