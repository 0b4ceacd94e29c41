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
from benchmark.protocols.inputs import InputReader
from benchmark.protocols.pretrain_batches import BatchSource
from benchmark.recipes import PretrainRecipe
from benchmark.training import checkpoint, distributed
from benchmark.training.batches import BatchPlan
from benchmark.training.device import choose_precision, peak_memory_mib, reset_peak_memory
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
WEIGHTS_FILE = "weights.pt"
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
    steps = batches.steps_for(recipe.epochs)
    reset_peak_memory(context.device)
    with InputReader(
        context.store(),
        representation.pretraining_image_size,
        recipe.geometry,
        context.baseline.image_profile,
        device=context.device,
        threads=context.threads,
    ) as reader:
        history = History()
        if steps:
            reader.preload(np.asarray(corpus.rows), context.progress)
            history = _train(context, representation, reader, batches, steps, should_stop)
    if distributed.is_main():
        _write(context, representation, history)
    distributed.barrier()
    return Outcome(
        predictions={},
        selection={"rule": "none", "checkpoint": "last step"},
        facts=_facts(context, corpus, batches, steps, history, representation),
        timing=_timing(context, batches, steps, history),
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
    reader: InputReader,
    batches: BatchPlan,
    steps: int,
    should_stop: Callable[[int], bool] | None,
) -> History:
    recipe = cast(PretrainRecipe, context.recipe)
    source = BatchSource(context, _corpus_of(context), batches, reader)
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
        _train_plan(context, recipe, batches, steps),
        folder=context.folder,
        progress=context.progress,
        stage="pre-training",
        arrays=representation.progress_arrays,
        should_stop=should_stop,
    )


def _train_plan(
    context: CellContext, recipe: PretrainRecipe, batches: BatchPlan, steps: int
) -> TrainPlan:
    warmup = min(steps, round(steps * recipe.warmup_epochs / recipe.epochs))
    return TrainPlan(
        steps=steps,
        rate=WarmupCosine(recipe.learning_rate, steps, warmup, recipe.final_learning_rate),
        seed_axes=batches.seed_axes,
        accumulation=recipe.accumulation,
        gradient_clip=recipe.gradient_clip,
        precision=choose_precision(recipe.precision, context.device),
        device=context.device,
        arrays_every=max(1, steps // _ARRAYS_KEPT),
        checkpoint_every_seconds=recipe.checkpoint_every_seconds,
        identity=f"{context.cell.key}/{steps}/{batches.batch_size}/{batches.accumulation}",
    )


def _write(context: CellContext, representation: Representation, history: History) -> None:
    state = cast(nn.Module, representation).state_dict()
    content = {
        "format": WEIGHTS_FORMAT,
        "model": {name: value.detach().cpu() for name, value in state.items()},
        "tokenizer_json": representation.tokenizer_json,
        "options": {**context.baseline.options, **context.cell.options},
        "size": dict(context.baseline.sizes.get(context.profile.model_size, {})),
        "image_size": representation.image_size,
    }
    checkpoint.save_atomically(context.folder / WEIGHTS_FILE, content)
    (context.folder / HISTORY_FILE).write_bytes(array_bytes(history.to_arrays()))
    checkpoint.remove(context.folder / checkpoint.NAME)


def _facts(
    context: CellContext,
    corpus: Corpus,
    batches: BatchPlan,
    steps: int,
    history: History,
    representation: Representation,
) -> dict[str, Any]:
    recipe = cast(PretrainRecipe, context.recipe)
    per_step = batches.batch_size * batches.accumulation
    return {
        "steps": steps,
        "epochs": recipe.epochs,
        "samples_seen": steps * per_step,
        "final_losses": history.final_losses(),
        "corpus_images": len(corpus.rows),
        "dropped_patients": corpus.dropped_patients,
        "dropped_images": corpus.dropped_images,
        "empty_reports": corpus.empty_reports,
        "contrastive_batch": recipe.contrastive_batch,
        "accumulation": recipe.accumulation,
        "samples_per_step": per_step,
        "processes": distributed.world_size(),
        "precision": choose_precision(recipe.precision, context.device).name,
        "parameters": _parameter_count(representation),
    }


def _timing(
    context: CellContext, batches: BatchPlan, steps: int, history: History
) -> dict[str, Any]:
    """Seconds of all pieces of an interrupted run, steps that were lost and repeated aside."""
    samples, seconds = steps * batches.batch_size * batches.accumulation, history.wall_seconds
    return {
        "training_seconds": seconds,
        "samples_per_second": samples / seconds if seconds > 0 else None,
        "training_peak_memory_mib": peak_memory_mib(context.device),
    }


def _parameter_count(representation: Representation) -> int:
    parameters = cast(nn.Module, representation).parameters()
    return sum(item.numel() for item in parameters if item.requires_grad)
