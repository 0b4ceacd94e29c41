"""Zero-shot classification: is an image nearer to "there is" or to "there is no"?

Scoring `official` is that of MaCo's zero-shot script: the mean positive and the mean negative
text vector of a class, raw dot products with the image vector, softmax over the two, positive
entry; no normalisation and no temperature. `cosine` normalises the three vectors and multiplies
the cosines by the model's learned temperature, as most later work does.

A method whose rule is more than one product of vectors offers `text_similarities`; a class's score
is then the softmax over the mean similarity to its positive and to its negative prompts, plain
(`official`) or times the temperature (`cosine`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
from scipy.special import expit

from benchmark.interfaces import Outcome, Representation
from benchmark.protocols.classification import prediction_arrays, scored_rows, sentinel_outcome
from benchmark.protocols.features import (
    SIMILARITIES,
    evaluation_reader,
    image_embeddings,
    text_embeddings,
    text_similarities,
)
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
    temperature = representation.temperature()
    own_rule = callable(getattr(representation, SIMILARITIES, None))
    score = _scores_by_similarity if own_rule else _scores_by_vectors
    official, cosine = score(context, representation, prompts)
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
            "similarity": "the method's own" if own_rule else "product of two vectors",
            "image_size": representation.image_size,
        },
    )


def _scores_by_vectors(
    context: CellContext, representation: Representation, prompts: Prompts
) -> tuple[np.ndarray, np.ndarray]:
    """Scores (n, k) by raw products, and by cosines times the temperature."""
    positive, negative = class_vectors(representation, prompts, context.task.classes)
    rows, _ = scored_rows(context)
    with evaluation_reader(context, representation) as reader:
        images = image_embeddings(
            representation, reader, rows, context.recipe.batch_size, context.progress
        )
    official = official_scores(images, positive, negative)
    return official, cosine_scores(images, positive, negative, representation.temperature())


def _scores_by_similarity(
    context: CellContext, representation: Representation, prompts: Prompts
) -> tuple[np.ndarray, np.ndarray]:
    """Scores (n, k) by the method's own similarities, plain and times the temperature."""
    sides = class_sentences(prompts, context.task.classes)
    texts = list(dict.fromkeys(text for side in sides for group in side for text in group))
    column = {text: index for index, text in enumerate(texts)}
    rows, _ = scored_rows(context)
    with evaluation_reader(context, representation) as reader:
        similarities = text_similarities(
            representation, reader, rows, texts, context.recipe.batch_size, context.progress
        )
    present, absent = (
        np.stack(
            [similarities[:, [column[text] for text in group]].mean(axis=1) for group in side],
            axis=1,
        )
        for side in sides
    )
    difference = present.astype(np.float64) - absent
    return expit(difference), expit(representation.temperature() * difference)


def class_sentences(
    prompts: Prompts, classes: tuple[str, ...]
) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Positive and negative prompts of each class."""
    positive = [tuple(prompts.positive(name)) for name in classes]
    negative = [tuple(prompts.negative(name)) for name in classes]
    return positive, negative


def class_vectors(
    representation: Representation, prompts: Prompts, classes: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Mean raw text vector of the positive and of the negative prompts, each (k, D)."""
    sides = class_sentences(prompts, classes)
    vectors = text_embeddings(
        representation, (text for side in sides for group in side for text in group)
    )
    positive, negative = (
        np.stack([np.mean([vectors[text] for text in group], axis=0) for group in side])
        for side in sides
    )
    return positive, negative


def _unit(vectors: np.ndarray) -> np.ndarray:
    values = vectors.astype(np.float64)
    norms = np.linalg.norm(values, axis=-1, keepdims=True)
    return np.asarray(values / np.maximum(norms, 1e-12))
