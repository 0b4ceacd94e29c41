"""Phrase grounding: stores raw similarities of every patch with the phrase.

Smoothing, weighting and thresholds are applied when scoring, so that any weight temperature can
be tried on stored predictions. Beside the raw dot products (MaCo's grounding script) stand the
cosines, and the dot products with a phrase that does not fit, which show what a phrase adds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmark.errors import BadDataError, UsageError
from benchmark.interfaces import Outcome, Representation, SentinelSamples
from benchmark.protocols.classification import (
    SCORED_SPLITS,
    call_sentinel,
    hashed_patients,
    joined,
    sample_metadata,
)
from benchmark.protocols.features import evaluation_reader, text_embeddings
from benchmark.protocols.pairs import Pairs, read_pairs, swap_partners
from benchmark.protocols.phrases import clean_phrase
from benchmark.recipes import GroundRecipe
from benchmark.seeds import generator_from

if TYPE_CHECKING:
    from benchmark.protocols.context import CellContext
    from benchmark.protocols.inputs import InputReader

VERSION = 1


def run(context: CellContext) -> Outcome:
    """Similarity maps of the pairs of validation and test."""
    pairs = {split: _pairs(context, split) for split in SCORED_SPLITS}
    if not sum(map(len, pairs.values())):
        raise BadDataError(
            f"{context.manifest.dataset} has no boxes in its validation and test images.",
            looked_in=[context.manifest.root],
        )
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
        },
    )


def _pairs(context: CellContext, split: str) -> Pairs:
    recipe = cast(GroundRecipe, context.recipe)
    rows = np.asarray(getattr(context.rows, split), dtype=np.int64)
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
    texts = _cleaned(context, pairs, split)
    vectors = text_embeddings(representation, texts)
    partners, relaxed = swap_partners(pairs, context.task.name, split)
    patches = representation.grid[0] * representation.grid[1]
    names = ("similarities", "similarities_cosine", "similarities_swapped")
    maps = {name: np.zeros((len(pairs), patches), dtype=np.float32) for name in names}
    images = np.unique(pairs.rows)
    with torch.inference_mode():
        for rows, batch in reader.batches(images, recipe.batch_size, context.progress):
            features = representation.patch_features(batch, recipe.projected).float()
            for row, patch_features in zip(rows, features, strict=True):
                for index in np.flatnonzero(pairs.rows == row):
                    own = torch.from_numpy(vectors[texts[index]]).to(features)
                    _require_same_width(patch_features, own, context)
                    maps[names[0]][index] = _numpy(patch_features @ own)
                    maps[names[1]][index] = _numpy(_cosines(patch_features, own))
                    other = torch.from_numpy(vectors[texts[partners[index]]]).to(features)
                    maps[names[2]][index] = _numpy(patch_features @ other)
    return maps, relaxed


def _cleaned(context: CellContext, pairs: Pairs, split: str) -> list[str]:
    recipe = cast(GroundRecipe, context.recipe)
    texts = []
    for name, phrase in zip(pairs.ids, pairs.phrases, strict=True):
        generator = (
            generator_from("phrase", context.task.name, split, name)
            if recipe.shuffle_sentences
            else None
        )
        texts.append(clean_phrase(phrase, generator))
    return texts


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
