"""What the metrics of one class are worth when the scores know nothing.

The level of chance is the mean over random reassignments of the test labels to the test images,
the scores fixed. It is closed wherever the threshold does not depend on the test labels; where it
does (`permuted`), labels are reassigned a stated number of times. Levels therefore depend on how
many images are called positive: a predictor that calls everything positive has no F1 of 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmark.metrics.confusion import Confusion, at_best_correlation, f1_of, last_best


@dataclass(frozen=True)
class Level:
    """Mean of a metric over random labels, and its variance (of one prediction)."""

    mean: float
    variance: float


@dataclass(frozen=True)
class Ties:
    """How the ranking of n test images groups them; all that chance depends on besides counts.

    Attributes:
        ends: (g,) images with a score at least as high as each distinct score, descending scores;
            the last entry is n.
    """

    ends: np.ndarray

    @property
    def total(self) -> int:
        """Number of images."""
        return int(self.ends[-1])

    @property
    def sizes(self) -> np.ndarray:
        """Images of each distinct score, (g,)."""
        return np.diff(self.ends, prepend=0)


def levels_at_threshold(called: int, positives: int, total: int) -> dict[str, Level]:
    """F1, accuracy and balanced accuracy of `called` images drawn at random.

    The number of true positives among them is hypergeometric, and all three are linear in it.

    Args:
        called: Images that are called positive.
        positives: Images that are positive, at least one.
        total: Images.

    Returns:
        By metric; no balanced accuracy where there is no negative image.
    """
    share = positives / total
    mean = called * share
    variance = called * share * (1 - share) * (total - called) / max(total - 1, 1)
    slope = 2 / (called + positives)
    levels = {
        "f1": Level(slope * mean, slope**2 * variance),
        "accuracy": Level(
            (2 * mean + total - positives - called) / total, (2 / total) ** 2 * variance
        ),
    }
    if positives < total:
        slope = 0.5 * (1 / positives + 1 / (total - positives))
        levels["balanced_accuracy"] = Level(0.5, slope**2 * variance)
    return levels


def average_precision_level(ties: Ties, positives: int) -> float:
    """Mean average precision of a fixed ranking over random labels; ties share a threshold.

    A group of m images that ends at rank K adds m / (n K) x (1 + (K - 1)(P - 1) / (n - 1)).
    """
    ends, total = ties.ends.astype(np.float64), ties.total
    companions = (ends - 1) * (positives - 1) / max(total - 1, 1)
    return float(np.sum(ties.sizes / (total * ends) * (1 + companions)))


def permuted(
    ties: Ties, positives: int, permutations: int, generator: np.random.Generator
) -> dict[str, np.ndarray]:
    """Metrics whose threshold is chosen on the test labels, for random labels.

    Args:
        ties: Of the ranking.
        positives: Images that are positive, at least one.
        permutations: How often labels are reassigned.
        generator: Draws them.

    Returns:
        (permutations,) of `f1` (the best over thresholds), `accuracy` (at the lowest threshold of
        best F1), `accuracy_above` (only scores above that threshold are called positive),
        `f1_mcc` and `accuracy_mcc` (at the lowest threshold of best Matthews correlation), and
        `average_precision`.
    """
    total = ties.total
    ranks = np.stack(
        [
            np.sort(generator.choice(total, positives, replace=False, shuffle=False))
            for _ in range(permutations)
        ]
    )
    called = np.repeat(ties.ends, ties.sizes)[ranks]
    above = np.repeat(ties.ends - ties.sizes, ties.sizes)[ranks]
    hits = _hits(called)
    counted = np.asarray(float(positives)), np.asarray(float(total))
    best = last_best(f1_of(hits, called, counted[0]).T)[:, None]
    hits_above = np.sum(called < np.take_along_axis(called, best, axis=1), axis=1)
    chosen_hits, chosen, chosen_above = (
        np.take_along_axis(array, best, axis=1)[:, 0] for array in (hits, called, above)
    )
    at_best = Confusion(chosen_hits, chosen, *counted).values()
    strict = Confusion(hits_above, chosen_above, *counted).values()
    by_mcc = at_best_correlation(hits.T, called.T, *counted).values()
    return {
        "f1": at_best["f1"],
        "accuracy": at_best["accuracy"],
        "accuracy_above": strict["accuracy"],
        "f1_mcc": by_mcc["f1"],
        "accuracy_mcc": by_mcc["accuracy"],
        "average_precision": np.mean(hits / called, axis=1),
    }


def _hits(called: np.ndarray) -> np.ndarray:
    """True positives at the threshold of each positive, (draws, P); ties count together."""
    count = called.shape[1]
    number = np.broadcast_to(np.arange(1, count + 1), called.shape)
    last = np.ones(called.shape, dtype=bool)
    last[:, :-1] = called[:, :-1] != called[:, 1:]
    ends = np.where(last, number, count)
    return np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]
