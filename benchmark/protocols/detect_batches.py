"""Training batches of a detector: images with their boxes, flipped and jittered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from benchmark.data.geometry import boxes_to_square
from benchmark.detection.augment import flip_and_jitter
from benchmark.errors import UsageError
from benchmark.training.batches import BatchPlan

if TYPE_CHECKING:
    from benchmark.detection.truth import BoxTruth
    from benchmark.protocols.inputs import InputReader
    from benchmark.recipes.detect import DetectRecipe


class TrainingBatches:
    """The micro batch of a step, a pure function of the seed axes, the step and its part.

    Args:
        truth: Of the training images.
        recipe: Batch size and augmentation.
        reader: Gives the squares.
        seed_axes: Named axes of order and augmentation; never the baseline's name.

    Raises:
        UsageError: A batch does not fall into the recipe's number of equal parts.
    """

    def __init__(
        self,
        truth: BoxTruth,
        recipe: DetectRecipe,
        reader: InputReader,
        seed_axes: tuple[object, ...],
    ) -> None:
        self._truth, self._recipe, self._reader = truth, recipe, reader
        parts = recipe.accumulation
        if parts < 1 or recipe.batch_size % parts:
            raise UsageError(
                f"A batch of {recipe.batch_size} images does not fall into {parts} equal parts.",
                remedy="Use an `accumulation` that divides `batch_size`.",
            )
        self._plan = BatchPlan(len(truth), recipe.batch_size // parts, seed_axes, parts)
        self._boxes = [self._in_square(index) for index in range(len(truth))]
        self._labels = [torch.from_numpy(truth.labels[truth.of(i)]) for i in range(len(truth))]

    def __call__(self, step: int, micro_step: int = 0) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Normalised images (B, 1, S, S); corners (n, 4) and classes (n,) of each image's boxes."""
        members = self._plan.rows(step, micro_step)
        images = self._reader.unit(self._truth.rows[members])
        later, part = divmod(micro_step + 1, self._plan.accumulation)
        self._reader.ahead(self._truth.rows[self._plan.rows(step + later, part)])
        images, boxes, labels = flip_and_jitter(
            images,
            [self._boxes[member] for member in members],
            [self._labels[member] for member in members],
            self._plan.torch_generator("jitter", step, micro_step),
            flip_probability=self._recipe.flip_probability,
            scale=self._recipe.scale_jitter,
        )
        return self._reader.normalise(images), boxes, labels

    def _in_square(self, index: int) -> Tensor:
        height, width = (int(side) for side in self._truth.frames[index])
        xywh = boxes_to_square(
            self._truth.boxes[self._truth.of(index)],
            height,
            width,
            self._reader.size,
            self._recipe.geometry,
        )
        corners = np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)
        return torch.from_numpy(corners).float()
