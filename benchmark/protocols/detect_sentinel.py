"""Boxes of a sentinel: it sees and answers in shares of the image's width and height."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from benchmark.data.images import image_size
from benchmark.detection.boxes import from_unit, to_unit
from benchmark.detection.truth import BoxTruth, read_truth
from benchmark.errors import BadDataError
from benchmark.interfaces import Outcome, SentinelSamples
from benchmark.protocols.classification import SCORED_SPLITS, sample_ids, sample_metadata
from benchmark.protocols.detect_arrays import described, offsets
from benchmark.recipes.detect import DetectRecipe
from benchmark.seeds import generator_from

if TYPE_CHECKING:
    from benchmark.protocols.context import CellContext

ANSWER = ("boxes", "box_scores", "box_image", "box_class")


def sentinel_outcome(context: CellContext) -> Outcome:
    """Boxes of a sentinel for validation and test; it may learn from the training boxes."""
    recipe = cast(DetectRecipe, context.recipe)
    truths = {split: _truth(context, split, recipe.negatives) for split in SCORED_SPLITS}
    reference = _truth(context, "train", "exclude")
    answers = [
        _asked(context, truths[split], reference, split, offsets(truths)[split])
        for split in SCORED_SPLITS
    ]
    names = answers[-1].keys()
    arrays = {
        name: answers[-1][name]
        if name == "draws"
        else np.concatenate([answer[name] for answer in answers])
        for name in names
    }
    return Outcome(
        predictions={**described(context, truths), **arrays},
        selection={"rule": "none", "reference_split": "train"},
        facts={
            "reference_images": len(reference),
            "reference_boxes": len(reference.boxes),
            "splits": {split: truth.counts() for split, truth in truths.items()},
        },
    )


def _truth(context: CellContext, split: str, negatives: Any) -> BoxTruth:
    labels = getattr(context.rows, "labels", None)
    images = context.manifest.images

    def size_of(row: int) -> tuple[int, int]:
        return image_size(context.manifest.root / str(images["path"].iloc[row]))

    return read_truth(
        context.manifest,
        np.asarray(getattr(context.rows, split), dtype=np.int64),
        context.task.classes,
        context.manifest.labels if labels is None else labels,
        negatives,
        size_of,
    )


def _asked(
    context: CellContext, truth: BoxTruth, reference: BoxTruth, split: str, first: int
) -> dict[str, np.ndarray]:
    """The sentinel's boxes of one split in pixels, its images counted from `first` on."""
    if context.predict is None:
        raise ValueError("the cell's baseline is no sentinel")
    samples = SentinelSamples(
        protocol=context.task.protocol,
        ids=sample_ids(context, truth.rows),
        classes=np.array(context.task.classes, dtype=np.str_),
        reference=_unit_arrays(reference),
        metadata=sample_metadata(context, truth.rows),
        draws=context.profile.chance_draws,
    )
    generator = generator_from("sentinel", context.task.name, split, context.cell.seeds.head)
    answer = context.predict(samples, _unit_arrays(truth), generator)
    arrays = {name: np.asarray(values) for name, values in answer.items()}
    _check(arrays, len(truth), context)
    image = arrays["box_image"].astype(np.int64)
    arrays["boxes"] = from_unit(arrays["boxes"], truth.frames[image]).astype(np.float32)
    arrays["box_scores"] = arrays["box_scores"].astype(np.float32)
    arrays["box_class"] = arrays["box_class"].astype(np.int64)
    return {**arrays, "box_image": image + first}


def _unit_arrays(truth: BoxTruth) -> dict[str, np.ndarray]:
    return {
        "boxes": to_unit(truth.boxes, truth.frames[truth.image]),
        "box_image": truth.image,
        "box_class": truth.labels,
    }


def _check(arrays: dict[str, np.ndarray], images: int, context: CellContext) -> None:
    name = context.baseline.name
    missing = [key for key in ANSWER if key not in arrays]
    if missing:
        raise BadDataError(f"The sentinel `{name}` gave no {', '.join(missing)}.")
    lengths = {len(arrays[key]) for key in ANSWER}
    owners = arrays["box_image"]
    if len(lengths) > 1 or arrays["boxes"].shape[1:] != (4,):
        raise BadDataError(f"The sentinel `{name}` gave arrays of different lengths.")
    if len(owners) and not 0 <= owners.min() <= owners.max() < images:
        raise BadDataError(f"The sentinel `{name}` gave boxes of images that are not there.")
