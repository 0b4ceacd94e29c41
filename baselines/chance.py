"""Random scores and random maps, several draws of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.specs import BaselineSpec

if TYPE_CHECKING:
    from benchmark.interfaces import Arrays, SentinelSamples

BASELINE = BaselineSpec(
    name="chance",
    version=1,
    title="Chance (mean of random draws)",
    kind="sentinel",
    source="AUC 0.5 and signed CNR 0 within four standard errors",
    protocols=("fine_tune", "linear_probe", "zero_shot", "ground", "segment", "detect"),
)

LARGEST_MAP_DRAWS = 20
LARGEST_BOX_DRAWS = 20
BOXES_AN_IMAGE = 5


def predict(samples: SentinelSamples, truth: Any, generator: np.random.Generator) -> Arrays:
    """Draws on a last axis, which the metrics average over.

    Returns:
        `scores_draws` (n, k, draws) uint8 for classification: 256 levels are as random as any and
        keep the stored predictions small. `similarities_draws` (n, N, draws) float32 for
        grounding, at most 20 draws, white noise on the grid: the smoothing is the metric's.
        `predicted_draws` and `common_draws` (n, draws) for segmentation. For detection, at most
        20 draws of five boxes an image, of any place, size and score: `boxes`, `box_scores`,
        `box_image`, `box_class`, `box_draw` (m,) and `draws` (1,).
    """
    pairs = len(samples.ids)
    if samples.protocol == "segment":
        return _coin_tosses(truth, samples.draws, generator)
    if samples.protocol == "detect":
        return _boxes_anywhere(samples, generator)
    if samples.protocol == "ground":
        shape = (pairs, samples.grid[0] * samples.grid[1], min(samples.draws, LARGEST_MAP_DRAWS))
        return {"similarities_draws": generator.standard_normal(shape, dtype=np.float32)}
    labels = np.shape(truth)[1]
    drawn = generator.integers(0, 256, size=(pairs, labels, samples.draws), dtype=np.uint8)
    return {"scores_draws": drawn}


def _coin_tosses(truth: Any, draws: int, generator: np.random.Generator) -> Arrays:
    """Counts of masks in which every pixel is inside with probability 1/2.

    How many pixels of the target and how many of the rest are inside are two binomial numbers;
    drawing these is drawing the masks, as far as any count of pixels can tell.
    """
    inside = _pixels_inside(truth)[:, None]
    outside = (truth["height"] * truth["width"])[:, None] - inside
    common = generator.binomial(inside, 0.5, size=(len(inside), draws))
    beside = generator.binomial(outside, 0.5, size=(len(inside), draws))
    return {
        "common_draws": common.astype(np.int32),
        "predicted_draws": (common + beside).astype(np.int32),
    }


def _pixels_inside(truth: Any) -> np.ndarray:
    """Pixels of each target, (n,)."""
    total = np.concatenate([[0], np.cumsum(truth["runs"][:, 1], dtype=np.int64)])
    return np.asarray(total[truth["offsets"][1:]] - total[truth["offsets"][:-1]])


def _boxes_anywhere(samples: SentinelSamples, generator: np.random.Generator) -> Arrays:
    """Boxes between two random points, in shares of the image; all scores are above 0.5."""
    images, draws = len(samples.ids), min(samples.draws, LARGEST_BOX_DRAWS)
    count = draws * images * BOXES_AN_IMAGE
    low, high = np.sort(generator.random((2, count, 2)), axis=0)
    order = np.arange(count)
    return {
        "boxes": np.concatenate([low, high - low], axis=1),
        "box_scores": 0.5 + generator.random(count) / 2,
        "box_image": order // BOXES_AN_IMAGE % max(images, 1),
        "box_class": generator.integers(0, len(samples.classes), count),
        "box_draw": order // max(images * BOXES_AN_IMAGE, 1),
        "draws": np.array([draws]),
    }
