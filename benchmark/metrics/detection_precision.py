"""Average precision from matches, for the sample itself and for many replicates at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from benchmark.metrics.detection_matches import Matches
    from benchmark.statistics.bootstrap import PatientBootstrap

RECALLS = np.linspace(0.0, 1.0, 101)
"""Recall levels at which COCO reads the precision."""

LARGEST_CHUNK = 4_000_000


def average_precision(matches: Matches, weights: np.ndarray | None = None) -> np.ndarray:
    """Average precision at every IoU threshold, COCO's interpolation at 101 recall levels.

    Detections enter by falling score, those of equal score together, so that the order of the
    images has no influence. The precision at a recall level is the highest one reached at that
    recall or any higher one, and 0 where the recall is not reached.

    Args:
        matches: Of one class.
        weights: (n, r) how often each image stands in each of r replicates; None is once in one.

    Returns:
        (t, r); NaN where no image of a replicate has a true box.
    """
    if weights is None:
        weights = np.ones((len(matches.truths), 1))
    weights = np.asarray(weights, dtype=np.float64)
    total = matches.truths @ weights
    called = np.cumsum(weights[matches.image], axis=0)
    ends = np.searchsorted(-matches.scores, -matches.scores, side="right") - 1
    result = np.full((len(matches.hits), weights.shape[1]), np.nan)
    for place, hits in enumerate(matches.hits):
        found_at = np.flatnonzero(hits)
        found = np.cumsum(weights[matches.image[found_at]], axis=0)
        # Precision only peaks after a hit; of equal scores the last position counts.
        end = ends[found_at]
        last = np.searchsorted(end, end, side="right") - 1
        result[place] = _interpolated(found[last], called[end], total)
    return result


def _interpolated(found: np.ndarray, called: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Mean precision over the recall levels from cumulated counts, (p, r) each; total (r,)."""
    means = np.full(len(total), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(called > 0, found / called, 0.0)
        recall = found / total
    envelope = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
    for column in np.flatnonzero(total > 0):
        place = np.searchsorted(recall[:, column], RECALLS, side="left")
        padded = np.append(envelope[:, column], 0.0)
        means[column] = padded[place].mean()
    return means


def replicated_precision(matches: Matches, bootstrap: PatientBootstrap) -> np.ndarray:
    """Average precision at every threshold in every replicate of a bootstrap, (t, replicates)."""
    result = np.full((len(matches.hits), bootstrap.replicates), np.nan)
    rows = max(len(matches.image), len(matches.truths), 1)
    chunk = max(1, LARGEST_CHUNK // rows) * len(matches.truths)
    for piece, weights in bootstrap.sample_weights(chunk):
        result[:, piece] = average_precision(matches, weights)
    return result
