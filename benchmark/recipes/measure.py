"""What a model costs to run."""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.recipes.base import Precision, Recipe


@dataclass(frozen=True)
class MeasureRecipe(Recipe):
    """Operations, parameters, speed and memory of forward passes.

    Operations and parameters are counted on one image (and one report) at the reference size,
    whatever the profile, and for the cell's own model; the own model alone is timed, on a batch
    of `batch_size` test images.

    Attributes:
        image_size: Side of the encoded images in pixels; 0 takes the side at which each model is
            pre-trained.
        reference_size: Entry of `BaselineSpec.sizes` that is counted beside the cell's model.
        report_words: Words of the counted report. More than any text tower reads, so that each
            is counted at its full length.
        warmup_passes: Forward passes before the timed ones.
        timed_passes: Forward passes whose median time counts.
        precision: Of the timed passes; `auto` is float32 on CPU and mixed precision on GPU.
    """

    image_size: int = 0
    batch_size: int = 32
    reference_size: str = "paper"
    report_words: int = 512
    warmup_passes: int = 3
    timed_passes: int = 20
    precision: Precision = "auto"
