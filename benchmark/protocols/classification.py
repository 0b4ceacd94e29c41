"""What fine-tuning, linear probing and zero-shot share: labels, the stored form, sentinels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.errors import BadDataError, unknown_name
from benchmark.interfaces import Outcome, SentinelSamples
from benchmark.recipes import LabelledRecipe
from benchmark.seeds import generator_from

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmark.protocols.context import CellContext

SCORED_SPLITS = ("validation", "test")
UNCERTAIN = -1.0
_MEANING = {"ignore": np.nan, "negative": 0.0, "positive": 1.0}


def truth_of(context: CellContext, rows: np.ndarray) -> np.ndarray:
    """Labels that validation and test are scored by, float (n, k): 1, 0, or NaN for unknown.

    A split that brings its own labels (`rows.labels`, a published list) takes precedence. What is
    uncertain or not mentioned is unknown, unless the recipe reads it as training does.

    Raises:
        BadDataError: The data set lacks a class of the task.
        UsageError: The recipe has a rule for a class that the task lacks.
    """
    recipe = context.recipe
    if isinstance(recipe, LabelledRecipe) and recipe.truth_labels == "as_training":
        return training_truth(context, rows)
    return _known(_labels(context, rows))


def training_truth(context: CellContext, rows: np.ndarray) -> np.ndarray:
    """Labels to learn from, (n, k), by the recipe's rules for uncertain and unmentioned ones."""
    values, recipe = _labels(context, rows), context.recipe
    if not isinstance(recipe, LabelledRecipe):
        return _known(values)
    for name in recipe.uncertain_by_class:
        if name not in context.task.classes:
            raise unknown_name(f"class of {context.task.name}", name, context.task.classes)
    if recipe.unmentioned_labels == "negative":
        values = np.where(np.isnan(values), 0.0, values)
    for column, name in enumerate(context.task.classes):
        rule = recipe.uncertain_by_class.get(name, recipe.uncertain_labels)
        values[values[:, column] == UNCERTAIN, column] = _MEANING[rule]
    return _known(values)


def _labels(context: CellContext, rows: np.ndarray) -> np.ndarray:
    """The task's columns as the manifest or the split's list has them, a copy."""
    override = getattr(context.rows, "labels", None)
    labels = context.manifest.labels if override is None else override
    missing = [name for name in context.task.classes if name not in labels.columns]
    if missing:
        raise BadDataError(
            f"{context.manifest.dataset} has no labels for {', '.join(missing)}.",
            looked_in=[context.manifest.root],
            remedy=f"It has: {', '.join(str(name) for name in labels.columns) or 'none'}.",
        )
    return np.array(labels[list(context.task.classes)].iloc[rows], dtype=np.float64)


def _known(values: np.ndarray) -> np.ndarray:
    return np.where((values == 0) | (values == 1), values, np.nan)


def scored_rows(context: CellContext) -> tuple[np.ndarray, np.ndarray]:
    """Rows of validation, then of test, and the split of each as text."""
    parts = [np.asarray(getattr(context.rows, split)) for split in SCORED_SPLITS]
    names = [np.full(len(part), split) for part, split in zip(parts, SCORED_SPLITS, strict=True)]
    return np.concatenate(parts).astype(np.int64), np.concatenate(names).astype("U10")


def prediction_arrays(context: CellContext, **scores: np.ndarray) -> dict[str, np.ndarray]:
    """The stored form of docs/architecture.md, for scores over `scored_rows`."""
    rows, splits = scored_rows(context)
    return {
        "ids": sample_ids(context, rows),
        "patients": hashed_patients(context, rows),
        "split": splits,
        "classes": np.array(context.task.classes, dtype=np.str_),
        "truth": truth_of(context, rows),
        **scores,
    }


def sample_ids(context: CellContext, rows: np.ndarray) -> np.ndarray:
    """Image names of rows, fixed-width text (n,)."""
    return np.array(context.manifest.images["image"].iloc[rows].tolist(), dtype=np.str_)


def hashed_patients(context: CellContext, rows: np.ndarray) -> np.ndarray:
    """Salted hashes of the patients of rows, (n,)."""
    patients = context.manifest.images["patient"].iloc[rows].tolist()
    return np.asarray(context.hash_patients(patients))


def sample_metadata(context: CellContext, rows: np.ndarray) -> dict[str, np.ndarray]:
    """What a sentinel may know of a sample: `sex`, `age`, `view`, each (n,)."""
    images = context.manifest.images.iloc[rows]
    return {
        "sex": np.array([str(value) for value in images["sex"]], dtype=np.str_),
        "age": images["age"].to_numpy(dtype=np.float64),
        "view": np.array([str(value) for value in images["view"]], dtype=np.str_),
    }


def training_facts(context: CellContext) -> dict[str, Any]:
    """Size of the labelled subset and of a step, for the record."""
    rows = np.asarray(context.rows.train)
    return {
        "train_images": len(rows),
        "train_patients": int(context.manifest.images["patient"].iloc[rows].nunique()),
        "samples_per_step": min(context.recipe.batch_size, len(rows)),
    }


def sentinel_outcome(context: CellContext) -> Outcome:
    """Scores of a sentinel for validation and test; it may learn from the training split."""
    train = np.asarray(context.rows.train, dtype=np.int64)
    reference = {"truth": training_truth(context, train), **sample_metadata(context, train)}
    answers = []
    for split in SCORED_SPLITS:
        rows = np.asarray(getattr(context.rows, split), dtype=np.int64)
        samples = SentinelSamples(
            protocol=context.task.protocol,
            ids=sample_ids(context, rows),
            classes=np.array(context.task.classes, dtype=np.str_),
            reference=reference,
            metadata=sample_metadata(context, rows),
            draws=context.profile.chance_draws,
        )
        shape = (len(rows), len(context.task.classes))
        answers.append(call_sentinel(context, samples, truth_of(context, rows), split, shape))
    return Outcome(
        predictions=prediction_arrays(context, **joined(answers)),
        selection={"rule": "none", "reference_split": "train"},
        facts={"reference_images": len(train)},
    )


def call_sentinel(
    context: CellContext,
    samples: SentinelSamples,
    truth: Any,
    split: str,
    shape: tuple[int, int],
) -> dict[str, np.ndarray]:
    """Ask the sentinel, with a generator that depends on task and split alone.

    Args:
        context: Of the sentinel's cell.
        samples: Of the split.
        truth: Labels (n, k), or the boxes of the pairs.
        split: `validation` or `test`.
        shape: Of each array but `weights`; those ending in `_draws` have a further axis.

    Raises:
        BadDataError: The answer has another shape.
    """
    if context.predict is None:
        raise ValueError("the cell's baseline is no sentinel")
    generator = generator_from("sentinel", context.task.name, split, context.cell.seeds.head)
    answer = context.predict(samples, truth, generator)
    arrays = {name: np.asarray(values) for name, values in answer.items()}
    for name, values in arrays.items():
        if name != "weights" and values.shape[:2] != shape:
            raise BadDataError(
                f"The sentinel `{context.baseline.name}` gave `{name}` of shape {values.shape}; "
                f"{shape} was expected."
            )
    return arrays


def joined(answers: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The splits' arrays one after the other; `weights`, one for all, as the last split's."""
    arrays = {
        name: np.concatenate([answer[name] for answer in answers])
        for name in answers[-1]
        if name != "weights"
    }
    if "weights" in answers[-1]:
        arrays["weights"] = np.asarray(answers[-1]["weights"], dtype=np.float32)
    return arrays
