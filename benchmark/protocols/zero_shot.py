"""Zero-shot classification: is an image nearer to "there is" or to "there is no"?

Scoring `official` is that of MaCo's zero-shot script: the mean positive and the mean negative
text vector of a class, raw dot products with the image vector, softmax over the two, positive
entry; no normalisation and no temperature. `cosine` normalises the three vectors and multiplies
the cosines by the model's learned temperature, as most later work does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
from scipy.special import expit

from benchmark.interfaces import Outcome, Representation
from benchmark.protocols.classification import prediction_arrays, scored_rows, sentinel_outcome
from benchmark.protocols.features import evaluation_reader, image_embeddings, text_embeddings
from benchmark.protocols.prompts import Prompts, load_prompts
from benchmark.recipes import ZeroShotRecipe

if TYPE_CHECKING:
    from benchmark.protocols.context import CellContext

VERSION = 1


def official_scores(images: np.ndarray, positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    """Probability of the positive text, softmax over the two raw dot products.

    Computed in float32 as in the official code: large raw dot products reach 1 exactly, and such
    ties move the AUC (by 0.004 for one class of the golden values).

    Args:
        images: (n, D).
        positive: (k, D) mean raw vector of each class's positive prompts.
        negative: (k, D) likewise.

    Returns:
        float32 (n, k).
    """
    vectors = images.astype(np.float32)
    present, absent = (vectors @ side.astype(np.float32).T for side in (positive, negative))
    largest = np.maximum(present, absent)
    present, absent = np.exp(present - largest), np.exp(absent - largest)
    return np.asarray(present / (present + absent))


def cosine_scores(
    images: np.ndarray, positive: np.ndarray, negative: np.ndarray, temperature: float
) -> np.ndarray:
    """The same on L2-normalised vectors, cosines multiplied by `temperature`; float64."""
    return np.asarray(expit(temperature * (_unit(images) @ (_unit(positive) - _unit(negative)).T)))


def run(context: CellContext) -> Outcome:
    """Score validation and test by prompts; sentinels are asked instead of encoded."""
    if context.predict is not None:
        return sentinel_outcome(context)
    recipe = cast(ZeroShotRecipe, context.recipe)
    prompts = load_prompts(recipe.prompts)
    representation = context.representation()
    positive, negative = class_vectors(representation, prompts, context.task.classes)
    rows, _ = scored_rows(context)
    with evaluation_reader(context, representation) as reader:
        images = image_embeddings(representation, reader, rows, recipe.batch_size, context.progress)
    temperature = representation.temperature()
    official = official_scores(images, positive, negative)
    cosine = cosine_scores(images, positive, negative, temperature)
    headline = "cosine" if recipe.scoring == "cosine" else "official"
    return Outcome(
        predictions=prediction_arrays(
            context,
            scores=cosine if headline == "cosine" else official,
            scores_cosine=cosine,
        ),
        selection={"rule": "none", "scoring": headline},
        facts={
            "prompts": recipe.prompts,
            "prompts_version": prompts.version,
            "temperature": temperature,
            "image_size": representation.image_size,
        },
    )


def class_vectors(
    representation: Representation, prompts: Prompts, classes: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Mean raw text vector of the positive and of the negative prompts, each (k, D)."""
    sentences = {
        side: [getattr(prompts, side)(name) for name in classes]
        for side in ("positive", "negative")
    }
    everything = [text for side in sentences.values() for texts in side for text in texts]
    vectors = text_embeddings(representation, everything)
    positive, negative = (
        np.stack([np.mean([vectors[text] for text in texts], axis=0) for texts in side])
        for side in sentences.values()
    )
    return positive, negative


def _unit(vectors: np.ndarray) -> np.ndarray:
    values = vectors.astype(np.float64)
    norms = np.linalg.norm(values, axis=-1, keepdims=True)
    return np.asarray(values / np.maximum(norms, 1e-12))
