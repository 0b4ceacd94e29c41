"""Grounding of phrases and of class prompts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from benchmark.recipes.base import Geometry, Recipe


@dataclass(frozen=True)
class GroundRecipe(Recipe):
    """Phrase grounding by patch-text similarity; a model is read at its own size.

    Attributes:
        projected: Patch features after the image projection (the official code) or before it
            (the paper's text).
        sigma_at_14: Gaussian smoothing in grid cells at a 14 x 14 grid; scaled by grid / 14.
        frame: Side in pixels of the square in which boxes and maps are compared.
        thresholds: IoU is averaged over these, on the map rescaled to [-1, 1].
        weight_temperatures: Candidates for tau_w as multiples of the weights' standard
            deviation; chosen on validation by mean CNR.
        official_weight_temperature: The paper's absolute tau_w, stored beside it.
        shuffle_sentences: The official code shuffles the pieces of a phrase.
        sentinel_grid: Cells a side of the sentinels' maps; a profile sets the methods' grid.
    """

    OWN_SIZE: ClassVar[bool] = True

    geometry: Geometry = "pad_square"
    projected: bool = True
    sigma_at_14: float = 1.5
    frame: int = 224
    thresholds: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5)
    weight_temperatures: tuple[float, ...] = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
    official_weight_temperature: float = 0.02
    shuffle_sentences: bool = False
    sentinel_grid: int = 14


@dataclass(frozen=True)
class ClassGroundRecipe(GroundRecipe):
    """Grounding of a class by its prompts: one pair for each image and class that has a truth.

    Attributes:
        prompts: Name of a file in `tasks/prompts/`, without `.toml`. The map of a class is that
            of the mean raw text vector of its positive prompts.
        truth: The boxes of the class, or the data set's mask of the image. Images without
            either take no part: the scores are those of positive images, as in the papers.
        mask_class: The class that the masks show; for `masks` only.
        similarity: What the headline is made of: raw dot products (MaCo's grounding script) or
            cosines (G2D, BioViL). The other one is scored beside it.
        control_class: Class whose prompts are the control where the data set has a single one;
            empty for none. With several classes the control is another pair's.
        map_thresholds: Candidates for the threshold on the map rescaled to [-1, 1].
        threshold_rule: `validation`: the candidate with the best mean Dice on the validation
            pairs. `half`: half of each map's own range (0 on [-1, 1]), which looks at no box;
            also where there is no validation pair.
    """

    prompts: str = "maco"
    truth: Literal["boxes", "masks"] = "boxes"
    mask_class: str = ""
    similarity: Literal["dot", "cosine"] = "dot"
    control_class: str = ""
    map_thresholds: tuple[float, ...] = tuple(step / 20 for step in range(-19, 20))
    threshold_rule: Literal["validation", "half"] = "validation"
