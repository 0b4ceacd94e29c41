"""Pre-training on images and reports: leaves `weights.pt` and `history.npz` in the cell's folder.

Recipe as MaCo's (method sheet, section 5): AdamW, linear warm-up and half cosine by step, flip
and affine augmentation, sentences of the report sampled anew each time. Where a checkpoint of
the same cell lies in the folder, training continues from it and ends with the same weights.
Under torchrun every process encodes its share of each contrastive batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from torch import Tensor, nn

from benchmark.arrays import array_bytes
from benchmark.errors import UsageError
from benchmark.interfaces import Outcome, PretrainBatch, Representation
from benchmark.own_weights import MAKER
from benchmark.protocols.inputs import InputReader
from benchmark.protocols.pretrain_batches import BatchSource
from benchmark.protocols.pretrain_budget import (
    forward_macs_per_sample,
    snapshot_steps,
    steps_of,
)
from benchmark.protocols.pretrain_facts import Work, facts_of, timing_of
from benchmark.protocols.pretrain_tuning import TRIALS_FILE, choose_rate
from benchmark.recipes import PretrainRecipe
from benchmark.records import WEIGHTS_FILE, weights_file
from benchmark.training import checkpoint, distributed
from benchmark.training.batches import BatchPlan
from benchmark.training.device import choose_precision, reset_peak_memory
from benchmark.training.history import History
from benchmark.training.loop import TrainPlan, train
from benchmark.training.optimizers import make_optimizer
from benchmark.training.schedules import WarmupCosine

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import torch

    from benchmark.data.corpus import Corpus
    from benchmark.protocols.context import CellContext

VERSION = 1
HISTORY_FILE = "history.npz"
WEIGHTS_FORMAT = "maco-bench"
_ARRAYS_KEPT = 50


def run(context: CellContext, should_stop: Callable[[int], bool] | None = None) -> Outcome:
    """Train, or continue to train, and write the weights.

    Args:
        context: Of a pre-training cell; its corpus is set.
        should_stop: Asked after each step; true stores the state and raises
            `TrainingInterrupted`.

    Raises:
        UsageError: The corpus does not fill one contrastive batch.
        DivergenceError: The loss is no longer finite.
    """
    recipe, corpus = cast(PretrainRecipe, context.recipe), _corpus_of(context)
    distributed.start_from_environment(context.device)
    batches = _batch_plan(context, recipe, len(corpus.rows))
    representation = context.representation()
    reset_peak_memory(context.device)
    with InputReader(
        context.store(),
        representation.pretraining_image_size,
        recipe.geometry,
        context.baseline.image_profile,
        device=context.device,
        threads=context.threads,
    ) as reader:
        history, work = History(), Work(0, 0)
        selection: dict[str, Any] = {"rule": "none"}
        if recipe.epochs > 0:
            reader.preload(np.asarray(corpus.rows), context.progress)
            source = BatchSource(context, corpus, batches, reader)
            macs = forward_macs_per_sample(representation, source(0, 0))
            work = Work(steps_of(recipe, batches, macs), macs)
            rate, selection = choose_rate(
                context, representation, corpus, reader, batches, work.steps
            )
            history = _train(
                context, representation, source, batches, work.steps, rate, should_stop
            )
    if distributed.is_main():
        _write(context, representation, history)
    distributed.barrier()
    return Outcome(
        predictions={},
        selection={**selection, "checkpoint": "last step"},
        facts=facts_of(context, corpus, batches, work, history, representation),
        timing=timing_of(context, batches, work.steps, history),
    )


class _PretrainingLoss(nn.Module):
    """Puts the loss into `forward`, which is what data-parallel wrappers see."""

    def __init__(self, representation: Representation) -> None:
        super().__init__()
        self.representation = cast(nn.Module, representation)

    def forward(self, batch: PretrainBatch, generator: torch.Generator) -> Mapping[str, Tensor]:
        method = cast(Representation, self.representation)
        return method.pretraining_loss(batch, generator)


def _corpus_of(context: CellContext) -> Corpus:
    if context.corpus is None:
        raise UsageError("Pre-training needs a corpus.", remedy="Name one with --corpus.")
    return context.corpus


def _batch_plan(context: CellContext, recipe: PretrainRecipe, samples: int) -> BatchPlan:
    if samples < recipe.contrastive_batch and recipe.epochs > 0:
        raise UsageError(
            f"The corpus holds {samples} pairs, fewer than one contrastive batch of "
            f"{recipe.contrastive_batch}.",
            looked_in=[context.manifest.root],
            remedy="Use a larger corpus or a smaller contrastive_batch.",
        )
    return BatchPlan(
        samples=max(samples, 1),
        batch_size=recipe.contrastive_batch,
        seed_axes=("pretrain", context.cell.seeds.pretrain),
        accumulation=recipe.accumulation,
        drop_last=recipe.epochs > 0,
    )


def _train(
    context: CellContext,
    representation: Representation,
    source: BatchSource,
    batches: BatchPlan,
    steps: int,
    rate: float,
    should_stop: Callable[[int], bool] | None,
) -> History:
    recipe = cast(PretrainRecipe, context.recipe)
    model = distributed.wrap(_PretrainingLoss(representation), context.device)
    optimizer = make_optimizer(
        cast(nn.Module, representation),
        "adamw",
        weight_decay=recipe.weight_decay,
        betas=recipe.betas,
    )
    purpose = f"mask-{distributed.rank()}"

    def loss_function(step: int, micro_step: int) -> Mapping[str, Tensor]:
        generator = batches.torch_generator(purpose, step, micro_step)
        losses: Mapping[str, Tensor] = model(source(step, micro_step), generator)
        return losses

    return train(
        model,
        loss_function,
        optimizer,
        _train_plan(context, recipe, batches, steps, rate),
        folder=context.folder,
        progress=context.progress,
        stage="pre-training",
        arrays=representation.progress_arrays,
        after_step=_keeper(context, representation, snapshot_steps(recipe, steps)),
        should_stop=should_stop,
    )


def _train_plan(
    context: CellContext, recipe: PretrainRecipe, batches: BatchPlan, steps: int, rate: float
) -> TrainPlan:
    warmup = min(steps, round(steps * recipe.warmup_epochs / recipe.epochs))
    return TrainPlan(
        steps=steps,
        rate=WarmupCosine(rate, steps, warmup, recipe.final_learning_rate),
        seed_axes=batches.seed_axes,
        accumulation=recipe.accumulation,
        gradient_clip=recipe.gradient_clip,
        precision=choose_precision(recipe.precision, context.device),
        device=context.device,
        arrays_every=max(1, steps // _ARRAYS_KEPT),
        checkpoint_every_seconds=recipe.checkpoint_every_seconds,
        identity=f"{context.cell.key}/{steps}/{batches.batch_size}/{batches.accumulation}/{rate:g}",
    )


def _keeper(
    context: CellContext, representation: Representation, at: Mapping[int, int]
) -> Callable[[int], None]:
    """Keeps the weights after some steps."""

    def keep(step: int) -> None:
        if step in at and distributed.is_main():
            path = context.folder / weights_file(at[step])
            checkpoint.save_atomically(path, _content(context, representation))

    return keep


def _write(context: CellContext, representation: Representation, history: History) -> None:
    checkpoint.save_atomically(context.folder / WEIGHTS_FILE, _content(context, representation))
    (context.folder / HISTORY_FILE).write_bytes(array_bytes(history.to_arrays()))
    checkpoint.remove(context.folder / checkpoint.NAME)
    (context.folder / TRIALS_FILE).unlink(missing_ok=True)


def _content(context: CellContext, representation: Representation) -> dict[str, Any]:
    state = cast(nn.Module, representation).state_dict()
    return {
        "format": WEIGHTS_FORMAT,
        MAKER: context.cell.baseline,
        "model": {name: value.detach().cpu() for name, value in state.items()},
        "tokenizer_json": representation.tokenizer_json,
        "options": {**context.baseline.options, **context.cell.options},
        "size": dict(context.baseline.sizes.get(context.profile.model_size, {})),
        "image_size": representation.image_size,
    }
