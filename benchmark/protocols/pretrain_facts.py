"""What a pre-training cell leaves in its record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from benchmark.fingerprint import file_checksum
from benchmark.records import weights_file
from benchmark.training import distributed
from benchmark.training.device import choose_precision, peak_memory_mib

if TYPE_CHECKING:
    from torch import nn

    from benchmark.data.corpus import Corpus
    from benchmark.interfaces import Representation
    from benchmark.protocols.context import CellContext
    from benchmark.recipes import PretrainRecipe
    from benchmark.training.batches import BatchPlan
    from benchmark.training.history import History


@dataclass(frozen=True)
class Work:
    """Optimiser steps, and multiply-adds of the forward pass for one sample."""

    steps: int
    macs_per_sample: int


def facts_of(
    context: CellContext,
    corpus: Corpus,
    batches: BatchPlan,
    work: Work,
    history: History,
    representation: Representation,
) -> dict[str, Any]:
    """What stands in the record beside the weights: budget, corpus, losses, sizes."""
    recipe = cast("PretrainRecipe", context.recipe)
    per_step = batches.batch_size * batches.accumulation
    return {
        "steps": work.steps,
        "epochs": recipe.epochs,
        "samples_seen": work.steps * per_step,
        "budget": recipe.budget,
        "macs_pretrain_forward": work.macs_per_sample,
        "macs_total": work.macs_per_sample * work.steps * per_step,
        "snapshots": {
            str(percent): file_checksum(context.folder / weights_file(percent))
            for percent in recipe.snapshots
            if work.steps
        },
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
        "parameters": _parameter_count(representation, learned=True),
        "parameters_frozen": _parameter_count(representation, learned=False),
    }


def timing_of(
    context: CellContext, batches: BatchPlan, steps: int, history: History
) -> dict[str, Any]:
    """Seconds of all pieces of an interrupted run, steps that were lost and repeated aside."""
    samples, seconds = steps * batches.batch_size * batches.accumulation, history.wall_seconds
    return {
        "training_seconds": seconds,
        "samples_per_second": samples / seconds if seconds > 0 else None,
        "training_peak_memory_mib": peak_memory_mib(context.device),
    }


def _parameter_count(representation: Representation, learned: bool) -> int:
    parameters = cast("nn.Module", representation).parameters()
    return sum(item.numel() for item in parameters if item.requires_grad == learned)
