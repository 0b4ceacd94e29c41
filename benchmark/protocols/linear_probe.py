"""Linear probing: a linear head on the features of a frozen encoder.

As in the linear classification of ConVIRT, GLoRIA, MGCA and G2D: the encoder is in evaluation
mode and never updated, and a head is trained on its pooled features. There, images are encoded
anew in each epoch, with random crops; here each image is encoded once, as it is, and the head
sees stored features. That is what a linear probe asks for, and it costs one pass.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from benchmark.interfaces import Outcome, Representation
from benchmark.protocols.classification import (
    prediction_arrays,
    scored_rows,
    sentinel_outcome,
    training_facts,
    training_truth,
)
from benchmark.protocols.features import evaluation_reader, offers_pooled, pooled_features
from benchmark.protocols.linear_head import Head, HeadPlan, Scale, Table, train_head
from benchmark.protocols.logistic_head import solve_head
from benchmark.protocols.search import (
    Candidates,
    for_percent,
    penalty_candidates,
    rate_candidates,
    search,
)
from benchmark.protocols.selection import SelectionSet, selection_set
from benchmark.recipes import LinearProbeRecipe
from benchmark.seeds import seed_from
from benchmark.training.device import peak_memory_mib, reset_peak_memory

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmark.protocols.context import CellContext

VERSION = 1


def run(context: CellContext) -> Outcome:
    """Encode every image once, train the head, score validation and test."""
    if context.predict is not None:
        return sentinel_outcome(context)
    recipe = cast(LinearProbeRecipe, context.recipe)
    chosen_by = selection_set(context)
    candidates, train_one = _training(context, recipe, chosen_by)
    representation = context.representation()
    reset_peak_memory(context.device)
    started = time.perf_counter()
    features = _Features(context, representation)
    encoded = time.perf_counter() - started
    train = np.asarray(context.rows.train, dtype=np.int64)
    scale = Scale.of(features.of(train), recipe.standardise)
    table = Table(
        scale(features.of(train)),
        training_truth(context, train),
        scale(features.of(chosen_by.rows)),
        chosen_by,
    )
    value, head, searched = search(candidates, lambda value: train_one(table, value))
    scores = head.scores(scale(features.of(scored_rows(context)[0])), recipe.target)
    return Outcome(
        predictions=prediction_arrays(context, scores=scores),
        selection={**chosen_by.described(), **searched, "step": head.step, "auc": head.auc},
        facts={
            candidates.name: value,
            "solver": recipe.solver,
            **training_facts(context),
            **features.facts,
            **head.facts,
        },
        timing={
            "encoding_seconds": encoded,
            "training_seconds": head.seconds,
            "training_peak_memory_mib": peak_memory_mib(context.device),
        },
    )


def _training(
    context: CellContext, recipe: LinearProbeRecipe, chosen_by: SelectionSet
) -> tuple[Candidates, Callable[[Table, float], Head]]:
    """What to try, and how to train with one of them."""
    if recipe.solver == "lbfgs":
        candidates = penalty_candidates(recipe.penalties, chosen_by)
        return candidates, lambda table, penalty: solve_head(table, recipe, penalty)
    cell = context.cell
    plan = HeadPlan(
        for_percent(recipe.epochs, cell.labels, "epochs"),
        seed_from("head", context.task.name, cell.seeds.head),
        ("linear_probe", context.task.name, cell.labels, cell.seeds.subset, cell.seeds.head),
    )
    candidates = rate_candidates(recipe, cell.labels, chosen_by)
    return candidates, lambda table, rate: train_head(table, recipe, rate, plan, context.progress)


class _Features:
    """The features of all images of a cell, each encoded once."""

    def __init__(self, context: CellContext, representation: Representation) -> None:
        recipe = cast(LinearProbeRecipe, context.recipe)
        parts = [np.asarray(context.rows.train), scored_rows(context)[0]]
        # A published list may name an image twice.
        self._rows = np.unique(np.concatenate(parts).astype(np.int64))
        with evaluation_reader(context, representation, recipe.image_size) as reader:
            self._values = pooled_features(
                representation,
                reader,
                self._rows,
                recipe.evaluation_batch or recipe.batch_size,
                recipe.feature,
                context.progress,
            )
        own = recipe.feature == "pooled" and offers_pooled(representation)
        self.facts: dict[str, Any] = {
            "feature": "patch_mean" if recipe.feature == "pooled" and not own else recipe.feature,
            "feature_dim": self._values.shape[1],
            "encoded_images": len(self._rows),
            "image_size": reader.size,
        }

    def of(self, rows: np.ndarray) -> np.ndarray:
        """Features (n, D) of rows of the manifest."""
        return self._values[np.searchsorted(self._rows, rows)]
