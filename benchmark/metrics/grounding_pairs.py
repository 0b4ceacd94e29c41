"""Grounding metrics of single pairs of heat map and mask.

- CNR: (mean inside - mean outside) / sqrt(variance inside + variance outside), signed, population
  variances; 0 where the denominator is 0 (MaCo's official code). The absolute value is BioViL's.
- IoU at a threshold t: the prediction is heat > t on the map rescaled to [-1, 1]. NaN where the
  prediction is empty, as in the official code; the caller names the convention.
- Pointing game: a maximal pixel lies in the mask. Several pixels may share the maximum (a constant
  map: all of them). `pointing_game` is the chance that one of them, taken at random, lies inside;
  `pointing_game_official` is 1 if any does, so that a constant map always hits.

A pair whose mask is empty is undefined (NaN) throughout.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmark.metrics.grounding_maps import heat_maps

MAXIMAL_WITHIN = 1e-6
"""Pixels this close to the maximum count as maximal: float32 on [-1, 1]."""
CHUNK = 32


@dataclass(frozen=True)
class PairScores:
    """Scores of n pairs; `iou` is (n, thresholds), the others (n,)."""

    cnr: np.ndarray
    iou: np.ndarray
    pointing_game: np.ndarray
    pointing_game_official: np.ndarray

    @property
    def cnr_absolute(self) -> np.ndarray:
        """|CNR|."""
        return np.asarray(np.abs(self.cnr))

    @property
    def iou_empty_is_zero(self) -> np.ndarray:
        """(n, thresholds); an empty prediction scores 0, an empty mask stays NaN."""
        undefined = np.isnan(self.cnr)[:, None]
        return np.where(np.isnan(self.iou) & ~undefined, 0.0, self.iou)


def score_heat(
    heat: np.ndarray,
    counts: np.ndarray,
    thresholds: tuple[float, ...],
    official_merge: bool = False,
) -> PairScores:
    """Score heat maps in [-1, 1] against masks.

    Args:
        heat: (n, height, width).
        counts: (n, height, width) boxes that cover each pixel.
        thresholds: Of the IoU; may be empty.
        official_merge: The official code adds the masks of several boxes and compares with 1 and
            0, so a pixel covered twice is neither inside nor outside for the CNR. By default the
            mask is the union. IoU and pointing game are the same either way.
    """
    values = np.asarray(heat).reshape(len(heat), -1)
    cover = np.asarray(counts).reshape(len(counts), -1)
    mask = cover > 0
    cnr = contrast_to_noise(values, mask, cover == 1 if official_merge else None)
    pointing, official = _pointing(values, mask)
    iou = _iou(values, mask, thresholds)
    empty = ~mask.any(axis=1)
    for scores in (cnr, pointing, official, iou):
        scores[empty] = np.nan
    return PairScores(cnr, iou, pointing, official)


def contrast_to_noise(
    values: np.ndarray, mask: np.ndarray, inside: np.ndarray | None = None
) -> np.ndarray:
    """Signed CNR of each row of `values` (n, pixels); NaN where nothing is inside.

    Args:
        values: (n, pixels).
        mask: (n, pixels); what is not in it is outside.
        inside: Part of the mask that counts as inside; all of it by default.
    """
    precise = values.astype(np.float64)
    everything = (
        np.full(len(values), values.shape[1]),
        precise.sum(axis=1),
        np.einsum("np,np->n", precise, precise),
    )
    in_mask = _sums(precise, mask)
    outside = [whole - part for whole, part in zip(everything, in_mask, strict=True)]
    mean_in, variance_in, any_in = _moments(
        *(in_mask if inside is None else _sums(precise, inside))
    )
    mean_out, variance_out, any_out = _moments(*outside)
    noise = np.sqrt(variance_in + variance_out)
    flat = (noise <= MAXIMAL_WITHIN) | ~any_out
    cnr = np.where(flat, 0.0, (mean_in - mean_out) / np.where(flat, 1.0, noise))
    return np.where(any_in, cnr, np.nan)


def _sums(precise: np.ndarray, region: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixels, sum and sum of squares over the region of each row."""
    chosen = np.where(region, precise, 0.0)
    return region.sum(axis=1), chosen.sum(axis=1), np.einsum("np,np->n", chosen, chosen)


def _moments(
    size: np.ndarray, total: np.ndarray, square: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, population variance, and whether the region has a pixel."""
    count = np.maximum(size, 1)
    mean = total / count
    return mean, np.maximum(square / count - mean**2, 0.0), size > 0


def _pointing(values: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    maximal = values >= values.max(axis=1, keepdims=True) - MAXIMAL_WITHIN
    hits = np.sum(maximal & mask, axis=1)
    return hits / maximal.sum(axis=1), (hits > 0).astype(np.float64)


def _iou(values: np.ndarray, mask: np.ndarray, thresholds: tuple[float, ...]) -> np.ndarray:
    iou = np.full((len(values), len(thresholds)), np.nan)
    true = mask.sum(axis=1)
    for column, threshold in enumerate(thresholds):
        predicted = values > threshold
        size = predicted.sum(axis=1)
        common = np.sum(predicted & mask, axis=1)
        union = np.maximum(size + true - common, 1)
        iou[:, column] = np.where(size > 0, common / union, np.nan)
    return iou


def score_maps(
    maps: np.ndarray,
    grid: tuple[int, int],
    counts: np.ndarray,
    sigma_at_14: float,
    thresholds: tuple[float, ...],
    official_merge: bool = False,
) -> PairScores:
    """Score patch maps (n, N) against `counts` (n, frame, frame), a few pairs at a time."""
    frame = counts.shape[-1]
    parts = []
    for start in range(0, len(maps), CHUNK):
        piece = slice(start, start + CHUNK)
        heat = heat_maps(maps[piece], grid, frame, sigma_at_14)
        parts.append(score_heat(heat, counts[piece], thresholds, official_merge))
    return PairScores(
        np.concatenate([part.cnr for part in parts]),
        np.concatenate([part.iou for part in parts]),
        np.concatenate([part.pointing_game for part in parts]),
        np.concatenate([part.pointing_game_official for part in parts]),
    )
