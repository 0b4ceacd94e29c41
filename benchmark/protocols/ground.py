"""Grounding: stores raw similarities of every patch with a phrase or with a class's prompts.

Smoothing, weighting and thresholds are applied when scoring, so that any weight temperature can
be tried on stored predictions. Beside the raw dot products (MaCo's grounding script) stand the
cosines, and the similarities with a text that does not fit, which show what the text adds: dot
products, or cosines where the recipe makes its headline of cosines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmark.errors import BadDataError, UsageError
from benchmark.interfaces import Outcome, Representation, SentinelSamples
from benchmark.protocols.class_pairs import read_class_pairs
from benchmark.protocols.classification import (
    SCORED_SPLITS,
    call_sentinel,
    hashed_patients,
    joined,
    sample_metadata,
)
from benchmark.protocols.features import evaluation_reader, text_embeddings
from benchmark.protocols.ground_texts import mean_vectors, pair_texts
from benchmark.protocols.pairs import Pairs, read_pairs
from benchmark.protocols.prompts import load_prompts
from benchmark.recipes import GroundRecipe
from benchmark.recipes.ground import ClassGroundRecipe

if TYPE_CHECKING:
    from benchmark.protocols.context import CellContext
    from benchmark.protocols.inputs import InputReader

VERSION = 1


def run(context: CellContext) -> Outcome:
    """Similarity maps of the pairs of validation and test."""
    pairs = {split: _pairs(context, split) for split in SCORED_SPLITS}
    if not sum(map(len, pairs.values())):
        raise _nothing_to_ground(context)
    if context.predict is not None:
        return _sentinel(context, pairs)
    representation = context.representation()
    cast(nn.Module, representation).eval()
    parts, relaxed = [], 0
    with evaluation_reader(context, representation) as reader:
        for split in SCORED_SPLITS:
            maps, count = _maps(context, representation, reader, pairs[split], split)
            parts.append(maps)
            relaxed += count
    weights = representation.patch_weights()
    arrays = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    arrays["weights"] = _plain_weights(weights)
    return Outcome(
        predictions={**_described(context, pairs, representation.grid), **arrays},
        facts={
            "pairs": {split: len(found) for split, found in pairs.items()},
            "images": {split: len(set(found.rows)) for split, found in pairs.items()},
            "swaps_relaxed": relaxed,
            "projected": cast(GroundRecipe, context.recipe).projected,
            "image_size": representation.image_size,
            **_prompt_facts(context),
        },
    )


def _nothing_to_ground(context: CellContext) -> BadDataError:
    recipe = context.recipe
    truth = recipe.truth if isinstance(recipe, ClassGroundRecipe) else "boxes"
    return BadDataError(
        f"{context.manifest.dataset} has no {truth} in its validation and test images.",
        looked_in=[context.manifest.root],
        remedy=f"Get the file of the data set's {truth}; `maco-bench doctor` tells what is there.",
    )


def _prompt_facts(context: CellContext) -> dict[str, Any]:
    recipe = context.recipe
    if not isinstance(recipe, ClassGroundRecipe):
        return {}
    prompts = load_prompts(recipe.prompts)
    return {"prompts": recipe.prompts, "prompts_version": prompts.version}


def _pairs(context: CellContext, split: str) -> Pairs:
    recipe = cast(GroundRecipe, context.recipe)
    rows = np.asarray(getattr(context.rows, split), dtype=np.int64)
    if isinstance(recipe, ClassGroundRecipe):
        return read_class_pairs(context.manifest, rows, recipe)
    return read_pairs(context.manifest, rows, recipe.frame, recipe.geometry)


def _maps(
    context: CellContext,
    representation: Representation,
    reader: InputReader,
    pairs: Pairs,
    split: str,
) -> tuple[dict[str, np.ndarray], int]:
    """The three similarity arrays of one split, (n, N) float32; and the swaps relaxed."""
    recipe = cast(GroundRecipe, context.recipe)
    texts = pair_texts(pairs, recipe, context.task.name, split)
    vectors = mean_vectors(text_embeddings(representation, texts.distinct()), texts)
    patches = representation.grid[0] * representation.grid[1]
    names = ("similarities", "similarities_cosine", "similarities_swapped")
    maps = {name: np.zeros((len(pairs), patches), dtype=np.float32) for name in names}
    images = np.unique(pairs.rows)
    with torch.inference_mode():
        for rows, batch in reader.batches(images, recipe.batch_size, context.progress):
            features = representation.patch_features(batch, recipe.projected).float()
            for row, patch_features in zip(rows, features, strict=True):
                for index in np.flatnonzero(pairs.rows == row):
                    own = torch.from_numpy(vectors[texts.own[index]]).to(features)
                    _require_same_width(patch_features, own, context)
                    maps[names[0]][index] = _numpy(patch_features @ own)
                    maps[names[1]][index] = _numpy(_cosines(patch_features, own))
                    other = torch.from_numpy(vectors[texts.control[index]]).to(features)
                    maps[names[2]][index] = _numpy(_control(recipe, patch_features, other))
    return maps, texts.relaxed


def _control(recipe: GroundRecipe, patch_features: Tensor, other: Tensor) -> Tensor:
    """Of the same kind as the headline."""
    if isinstance(recipe, ClassGroundRecipe) and recipe.similarity == "cosine":
        return _cosines(patch_features, other)
    return patch_features @ other


def _described(
    context: CellContext, pairs: dict[str, Pairs], grid: tuple[int, int]
) -> dict[str, np.ndarray]:
    """All stored arrays that do not depend on the model, except for its grid."""
    ordered = [pairs[split] for split in SCORED_SPLITS]
    rows = np.concatenate([part.rows for part in ordered])
    offsets = np.cumsum([0, *(len(part) for part in ordered[:-1])])
    splits = [np.full(len(pairs[split]), split) for split in SCORED_SPLITS]
    return {
        "ids": np.concatenate([part.ids for part in ordered]),
        "patients": hashed_patients(context, rows),
        "split": np.concatenate(splits).astype("U10"),
        "category": np.concatenate([part.categories for part in ordered]),
        "grid": np.array(grid, dtype=np.int64),
        "frame": np.array([cast(GroundRecipe, context.recipe).frame], dtype=np.int64),
        "boxes": np.concatenate([part.boxes for part in ordered]),
        "box_pair": np.concatenate(
            [part.box_pair + offset for part, offset in zip(ordered, offsets, strict=True)]
        ),
    }


def _sentinel(context: CellContext, pairs: dict[str, Pairs]) -> Outcome:
    """Maps of a sentinel; it learns from training pairs, or from validation if there are none."""
    learned_from = "train"
    reference = _pairs(context, "train")
    if not len(reference):
        learned_from, reference = "validation", pairs["validation"]
    side = cast(GroundRecipe, context.recipe).sentinel_grid
    answers = []
    for split in SCORED_SPLITS:
        part = pairs[split]
        samples = SentinelSamples(
            protocol=context.task.protocol,
            ids=part.ids,
            classes=part.categories,
            grid=(side, side),
            frame=cast(GroundRecipe, context.recipe).frame,
            reference={
                "boxes": reference.boxes,
                "box_pair": reference.box_pair,
                "category": reference.categories,
            },
            metadata={**sample_metadata(context, part.rows), "patients": part.patients},
            draws=context.profile.chance_draws,
        )
        truth = {"boxes": part.boxes, "box_pair": part.box_pair}
        answers.append(call_sentinel(context, samples, truth, split, (len(part), side**2)))
    return Outcome(
        predictions={
            **_described(context, pairs, (side, side)),
            "weights": np.empty(0, dtype=np.float32),
            **joined(answers),
        },
        selection={"rule": "none", "reference_split": learned_from},
        facts={
            "pairs": {split: len(found) for split, found in pairs.items()},
            "reference_pairs": len(reference),
        },
    )


def _require_same_width(patch_features: Tensor, text: Tensor, context: CellContext) -> None:
    if patch_features.shape[-1] != text.shape[-1]:
        raise UsageError(
            f"Patch features of width {patch_features.shape[-1]} and text vectors of width "
            f"{text.shape[-1]} have no dot product.",
            remedy=f"Ground `{context.baseline.name}` with `projected = true`.",
        )


def _cosines(patch_features: Tensor, text: Tensor) -> Tensor:
    return functional.normalize(patch_features, dim=-1) @ functional.normalize(text, dim=-1)


def _plain_weights(weights: Tensor | None) -> np.ndarray:
    if weights is None:
        return np.empty(0, dtype=np.float32)
    return weights.detach().float().cpu().numpy().reshape(-1)


def _numpy(values: Tensor) -> np.ndarray:
    return values.cpu().numpy()
