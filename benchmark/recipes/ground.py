"""Grounding of phrases and of class prompts."""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.recipes.base import Geometry, Recipe


@dataclass(frozen=True)
class GroundRecipe(Recipe):
    """Phrase grounding by patch-text similarity.

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

    geometry: Geometry = "pad_square"
    projected: bool = True
    sigma_at_14: float = 1.5
    frame: int = 224
    thresholds: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5)
    weight_temperatures: tuple[float, ...] = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
    official_weight_temperature: float = 0.02
    shuffle_sentences: bool = False
    sentinel_grid: int = 14
