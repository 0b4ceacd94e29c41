"""Chooses a method's pre-training rate: as many short trials for every method, all of them kept.

Each rate of `trial_rates` trains a copy of the initial model for `trial_share` of the budget,
warm-up and decay within it, on the corpus without some patients; the rate with the lowest total
loss on those patients' images is taken, and the whole run then starts anew on the whole corpus. No
task's images or labels are looked at. Losses of one method are compared, never those of two.
"""

from __future__ import annotations

import copy
import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import nn

from benchmark.errors import UsageError
from benchmark.interfaces import Representation
from benchmark.protocols.pretrain_batches import BatchSource
from benchmark.seeds import generator_from
from benchmark.training.batches import BatchPlan
from benchmark.training.device import choose_precision
from benchmark.training.loop import DivergenceError, TrainPlan, train
from benchmark.training.optimizers import make_optimizer
from benchmark.training.schedules import WarmupCosine

if TYPE_CHECKING:
    from pathlib import Path

    from benchmark.data.corpus import Corpus
    from benchmark.protocols.context import CellContext
    from benchmark.protocols.inputs import InputReader
    from benchmark.recipes import PretrainRecipe

TRIALS_FILE = "trials.json"
HELD_OUT_SHARE = 0.05


def choose_rate(
    context: CellContext,
    representation: Representation,
    corpus: Corpus,
    reader: InputReader,
    batches: BatchPlan,
    steps: int,
) -> tuple[float, dict[str, Any]]:
    """The rate of the run, and what chose it.

    Finished trials are kept in the cell's folder, so that an interrupted cell does not repeat them.

    Raises:
        UsageError: Every rate diverged.
    """
    recipe = cast("PretrainRecipe", context.recipe)
    if not recipe.trial_rates:
        return recipe.learning_rate, {"rule": "none", "learning_rate": recipe.learning_rate}
    training, held_out = _parts(context, corpus, recipe.contrastive_batch)
    path = context.folder / TRIALS_FILE
    trials = _kept(path, context.cell.key)
    length = max(1, round(steps * recipe.trial_share))
    for number, rate in enumerate(recipe.trial_rates[len(trials) :], start=len(trials)):
        part = replace(batches, samples=len(training.rows), _orders={})
        loss = _trial(context, representation, (training, held_out), reader, part, rate, length)
        trials.append({"learning_rate": rate, "steps": length, "held_out_loss": loss})
        _keep(path, {"key": context.cell.key, "trials": trials})
        context.progress("trials of the learning rate", number + 1, len(recipe.trial_rates))
    finite = [trial for trial in trials if trial["held_out_loss"] is not None]
    if not finite:
        raise UsageError(
            "Pre-training diverged at every rate that was tried.",
            remedy="Set lower ones with --recipe 'pretrain.trial_rates=[...]'.",
        )
    best = min(finite, key=lambda trial: float(trial["held_out_loss"]))
    return float(best["learning_rate"]), {
        "rule": "lowest held-out loss",
        "learning_rate": best["learning_rate"],
        "held_out_images": len(held_out.rows),
        "trials": trials,
    }


def _kept(path: Path, key: str) -> list[dict[str, Any]]:
    """Trials that an interrupted run of the same cell has finished."""
    if not path.is_file():
        return []
    content = json.loads(path.read_text())
    return list(content["trials"]) if content["key"] == key else []


def _keep(path: Path, content: dict[str, Any]) -> None:
    """Write whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    draft.write_text(json.dumps(content))
    draft.replace(path)


def _parts(context: CellContext, corpus: Corpus, batch: int) -> tuple[Corpus, Corpus]:
    """The corpus without some patients, and those patients' pairs: at least one batch of them."""
    patients = context.manifest.images["patient"].to_numpy(dtype=object)[np.asarray(corpus.rows)]
    names = np.unique(patients.astype(str))
    generator = generator_from("pretrain", context.cell.seeds.pretrain, "held-out")
    wanted = max(batch, round(HELD_OUT_SHARE * len(corpus.rows)))
    order = generator.permutation(len(names))
    counts = np.array([np.count_nonzero(patients == names[index]) for index in order])
    taken = names[order[: int(np.searchsorted(np.cumsum(counts), wanted)) + 1]]
    held = np.isin(patients.astype(str), taken)
    return _part(corpus, np.flatnonzero(~held)), _part(corpus, np.flatnonzero(held))


def _part(corpus: Corpus, members: np.ndarray) -> Corpus:
    texts = tuple(corpus.texts[int(member)] for member in members)
    return replace(corpus, rows=np.asarray(corpus.rows)[members], texts=texts)


def _trial(
    context: CellContext,
    representation: Representation,
    parts: tuple[Corpus, Corpus],
    reader: InputReader,
    batches: BatchPlan,
    rate: float,
    steps: int,
) -> float | None:
    """Held-out loss after a short run at one rate; None where it diverged."""
    recipe = cast("PretrainRecipe", context.recipe)
    model = copy.deepcopy(cast(nn.Module, representation))
    method = cast(Representation, model)
    source = BatchSource(context, parts[0], batches, reader)
    warmup = min(steps, round(steps * recipe.warmup_epochs / recipe.epochs))
    plan = TrainPlan(
        steps=steps,
        rate=WarmupCosine(rate, steps, warmup, recipe.final_learning_rate),
        seed_axes=batches.seed_axes,
        accumulation=recipe.accumulation,
        gradient_clip=recipe.gradient_clip,
        precision=choose_precision(recipe.precision, context.device),
        device=context.device,
    )
    optimizer = make_optimizer(model, "adamw", weight_decay=recipe.weight_decay, betas=recipe.betas)
    try:
        train(
            model,
            lambda step, micro_step: method.pretraining_loss(
                source(step, micro_step), batches.torch_generator("mask-trial", step, micro_step)
            ),
            optimizer,
            plan,
            progress=context.progress,
            stage=f"trial at rate {rate:g}",
        )
    except DivergenceError:
        return None
    return _held_out_loss(context, method, parts[1], reader)


def _held_out_loss(
    context: CellContext, method: Representation, held_out: Corpus, reader: InputReader
) -> float | None:
    """Mean total loss over whole batches of held-out pairs, in evaluation mode."""
    recipe = cast("PretrainRecipe", context.recipe)
    seeds = ("pretrain", context.cell.seeds.pretrain, "trial")
    size = min(recipe.contrastive_batch, len(held_out.rows))
    batches = BatchPlan(len(held_out.rows), size, seeds, drop_last=True)
    source = BatchSource(context, held_out, batches, reader)
    cast(nn.Module, method).eval()
    losses = []
    with torch.no_grad():
        for step in range(batches.batches_per_epoch):
            generator = batches.torch_generator("mask", step)
            losses.append(float(method.pretraining_loss(source(step, 0), generator)["total"]))
    mean = float(np.mean(losses))
    return mean if math.isfinite(mean) else None
