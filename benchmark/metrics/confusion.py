"""Counts at a threshold, and what makes one threshold better than another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

EQUAL = 1e-12
"""Two thresholds are equally good up to the rounding of a square root."""


@dataclass(frozen=True)
class Confusion:
    """Counts of one class at one threshold, or one count for each weighting, (r,)."""

    hits: np.ndarray
    called: np.ndarray
    positives: np.ndarray
    total: np.ndarray

    def values(self) -> dict[str, np.ndarray]:
        """F1, accuracy and balanced accuracy; NaN where undefined."""
        negatives = self.total - self.positives
        with np.errstate(invalid="ignore", divide="ignore"):
            defined = np.where(self.positives > 0, 1.0, np.nan)
            false = (self.called - self.hits) / np.where(negatives > 0, negatives, np.nan)
            return {
                "f1": defined * (2 * self.hits / (self.called + self.positives)),
                "accuracy": defined * ((2 * self.hits + negatives - self.called) / self.total),
                "balanced_accuracy": defined * (self.hits / self.positives + 1 - false) / 2,
            }


def confusion_at(
    truth: np.ndarray, scores: np.ndarray, threshold: float, *, above: bool = False
) -> Confusion:
    """Counts over the samples with a known label.

    Args:
        truth: (n,).
        scores: (n,).
        threshold: Scores of at least this are called positive; with `above`, higher ones only.
        above: See `threshold`.
    """
    labels = np.asarray(truth)
    known = (labels == 0) | (labels == 1)
    positive, values = labels[known] == 1, np.asarray(scores)[known]
    called = values > threshold if above else values >= threshold
    counts = (np.sum(called & positive), np.sum(called), np.sum(positive), len(positive))
    return Confusion(*(np.asarray(count, dtype=np.float64) for count in counts))


def f1_of(hits: np.ndarray, called: np.ndarray, positives: np.ndarray) -> np.ndarray:
    """F1 from counts; 0 where nothing is called or positive."""
    return np.asarray(2 * hits / np.maximum(called + positives, 1))


def correlation_of(
    hits: np.ndarray, called: np.ndarray, positives: np.ndarray, total: np.ndarray
) -> np.ndarray:
    """Matthews correlation from counts; 0 where all or none are called positive, or are."""
    product = (called * (total - called)) * (positives * (total - positives))
    return np.asarray((hits * total - called * positives) / np.sqrt(np.maximum(product, 1)))


def last_best(criterion: np.ndarray) -> np.ndarray:
    """Position of the highest value along the first axis, the last of equals."""
    equal = criterion >= criterion.max(axis=0) - EQUAL
    return np.asarray(len(criterion) - 1 - np.argmax(equal[::-1], axis=0))


def at_best_correlation(
    hits: np.ndarray, called: np.ndarray, positives: np.ndarray, total: np.ndarray
) -> Confusion:
    """Counts (r,) at the threshold of best correlation, from those of the positives (P, r)."""
    correlation = correlation_of(hits, called, positives, total)
    best, columns = last_best(correlation), np.arange(hits.shape[1])
    useful = correlation[best, columns] > 0
    return Confusion(
        np.where(useful, hits[best, columns], positives),
        np.where(useful, called[best, columns], total),
        positives,
        total,
    )
