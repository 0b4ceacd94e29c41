"""Masks of a sentinel for validation and test.

A sentinel gets the targets as `height`, `width` (n,), `runs` (m, 2) and `offsets` (n + 1,), see
`benchmark.metrics.mask_runs`, and gives `runs` and `offsets` of its own masks. A random one gives
`predicted_draws` and `common_draws` (n, draws), how many pixels it calls inside and how many of
them are: masks of many draws would take more room than all else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from benchmark.errors import BadDataError, UsageError
from benchmark.interfaces import Outcome, SentinelSamples
from benchmark.metrics.mask_runs import MaskRuns
from benchmark.protocols.classification import (
    SCORED_SPLITS,
    hashed_patients,
    sample_ids,
    sample_metadata,
    scored_rows,
)
from benchmark.protocols.segment_masks import TrueMasks
from benchmark.protocols.segment_predict import Comparison
from benchmark.recipes.segment import SegmentRecipe
from benchmark.seeds import generator_from

if TYPE_CHECKING:
    from benchmark.protocols.context import CellContext


def described_arrays(
    context: CellContext, truth: MaskRuns, frames: np.ndarray
) -> dict[str, np.ndarray]:
    """What is stored of all scored images whatever predicts them."""
    rows, splits = scored_rows(context)
    return {
        "ids": sample_ids(context, rows),
        "patients": hashed_patients(context, rows),
        "split": splits,
        "height": frames[:, 0],
        "width": frames[:, 1],
        "truth_runs": truth.runs,
        "truth_offsets": truth.offsets,
    }


def sentinel_outcome(context: CellContext) -> Outcome:
    """What a sentinel predicts, in the frame that the recipe compares masks in.

    Raises:
        UsageError: The frame is the model's input, and the recipe leaves its size to the model.
        BadDataError: The sentinel's answer has another form.
    """
    recipe = cast(SegmentRecipe, context.recipe)
    if recipe.frame == "input" and not recipe.image_size:
        raise UsageError("A sentinel has no input size: give `image_size`, or the frame `mask`.")
    masks = TrueMasks(context, recipe.image_size)
    compared = Comparison(masks, recipe.frame)
    truths, frames, answers = [], [], []
    for split in SCORED_SPLITS:
        rows = np.asarray(getattr(context.rows, split), dtype=np.int64)
        masks.require(rows)
        truth, sides = compared.targets(rows)
        answers.append(_answer(context, split, rows, truth, sides))
        truths.append(truth)
        frames.append(sides)
    every = MaskRuns.joined(truth.of_image(i) for truth in truths for i in range(len(truth)))
    return Outcome(
        predictions={
            **described_arrays(context, every, np.concatenate(frames)),
            **_joined(answers),
        },
        selection={"rule": "none"},
        facts={"frame": recipe.frame, "images": len(every)},
    )


def _answer(
    context: CellContext, split: str, rows: np.ndarray, truth: MaskRuns, sides: np.ndarray
) -> dict[str, np.ndarray]:
    assert context.predict is not None
    samples = SentinelSamples(
        protocol=context.task.protocol,
        ids=sample_ids(context, rows),
        classes=np.array(context.task.classes, dtype=np.str_),
        metadata=sample_metadata(context, rows),
        draws=context.profile.chance_draws,
    )
    target = {
        "height": sides[:, 0].astype(np.int64),
        "width": sides[:, 1].astype(np.int64),
        "runs": truth.runs,
        "offsets": truth.offsets,
    }
    generator = generator_from("sentinel", context.task.name, split, context.cell.seeds.head)
    answer = context.predict(samples, target, generator)
    arrays = {name: np.asarray(values) for name, values in answer.items()}
    if "offsets" in arrays:
        fits = len(arrays["offsets"]) == len(rows) + 1
    else:
        fits = all(len(arrays.get(name, ())) == len(rows) for name in DRAWS)
    if not fits:
        raise BadDataError(
            f"The sentinel `{context.baseline.name}` gave no masks for the {len(rows)} images of "
            f"the split `{split}`."
        )
    return arrays


DRAWS = ("predicted_draws", "common_draws")


def _joined(answers: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The splits' answers one after the other, under the stored names."""
    if "offsets" not in answers[0]:
        return {name: np.concatenate([one[name] for one in answers]) for name in DRAWS}
    parts = [MaskRuns(one["runs"], one["offsets"]) for one in answers]
    masks = MaskRuns.joined(part.of_image(i) for part in parts for i in range(len(part)))
    return {"prediction_runs": masks.runs, "prediction_offsets": masks.offsets}
