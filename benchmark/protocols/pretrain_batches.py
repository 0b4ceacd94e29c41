"""Augmented images and sampled sentences of one pre-training batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from benchmark.data.report_text import sample_sentences
from benchmark.interfaces import PretrainBatch
from benchmark.recipes import PretrainRecipe
from benchmark.training import distributed
from benchmark.training.augment import (
    brightness_and_contrast,
    flip_and_affine,
    gaussian_blur,
    random_resized_crop,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from benchmark.data.corpus import Corpus
    from benchmark.protocols.context import CellContext
    from benchmark.protocols.inputs import InputReader
    from benchmark.training.batches import BatchPlan


class BatchSource:
    """Images and texts of a micro batch: a function of step and micro step alone."""

    def __init__(
        self, context: CellContext, corpus: Corpus, batches: BatchPlan, reader: InputReader
    ) -> None:
        self._recipe = cast(PretrainRecipe, context.recipe)
        self._rows = np.asarray(corpus.rows)
        self._texts: Sequence[str] = corpus.texts if context.baseline.uses_text else ()
        self._batches = batches
        self._reader = reader
        self._rank = distributed.rank()

    def __call__(self, step: int, micro_step: int) -> PretrainBatch:
        """This process' share of a micro batch; the next one is read meanwhile."""
        members = self._members(step, micro_step)
        images = self._reader.unit(self._rows[members])
        following = divmod(
            step * self._batches.accumulation + micro_step + 1, self._batches.accumulation
        )
        self._reader.ahead(self._rows[self._members(*following)])
        return PretrainBatch(
            images=self._augmented(images, "augmentation", step, micro_step),
            texts=self._sample_texts(members, step, micro_step),
            second_images=self._augmented(images, "second-augmentation", step, micro_step)
            if self._recipe.image_views == 2
            else None,
        )

    def _augmented(self, images: Tensor, purpose: str, step: int, micro_step: int) -> Tensor:
        """Normalised images after the recipe's augmentation, drawn for this purpose."""
        recipe = self._recipe
        generator = self._batches.torch_generator(f"{purpose}-{self._rank}", step, micro_step)
        if recipe.crop_scale == (1.0, 1.0):
            augmented = flip_and_affine(
                images,
                generator,
                flip_probability=recipe.flip_probability,
                rotation_degrees=recipe.rotation_degrees,
                scale=recipe.scale,
                shear_degrees=recipe.shear_degrees,
                translation=recipe.translation,
            )
        else:
            augmented = random_resized_crop(
                images,
                generator,
                images.shape[-1],
                scale=recipe.crop_scale,
                flip_probability=recipe.flip_probability,
            )
        augmented = brightness_and_contrast(
            augmented, generator, brightness=recipe.brightness, contrast=recipe.contrast
        )
        return self._reader.normalise(gaussian_blur(augmented, generator, recipe.blur_sigma))

    def _members(self, step: int, micro_step: int) -> np.ndarray:
        return distributed.shard(self._batches.rows(step, micro_step))

    def _sample_texts(self, members: np.ndarray, step: int, micro_step: int) -> Sequence[str]:
        if not self._texts:
            return ()
        texts = [self._texts[int(member)] for member in members]
        if not self._recipe.sentence_sampling:
            return texts
        generator = self._batches.numpy_generator(f"sentences-{self._rank}", step, micro_step)
        return [sample_sentences(text, generator) for text in texts]
