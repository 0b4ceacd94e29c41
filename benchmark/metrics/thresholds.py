"""F1, accuracy and balanced accuracy of one class, by the threshold and by who chose it.

With h true positives among c images called positive, P positive images and n images in all:
F1 = 2 h / (c + P); accuracy = (2 h + n - P - c) / n; balanced accuracy = the mean of sensitivity
h / P and specificity 1 - (c - h) / (n - P). An image is called positive if its score is at least
the threshold. A threshold is always the score of an image; of several that are equally good the
lowest is taken.

- `..._validation_threshold`: best F1 on the validation split.
- `..._test_threshold_published`: best F1 on the test labels themselves, the rule of MedKLIP. It
  looks at the answers, and so do the next two.
- `accuracy_test_threshold_official`: the same threshold, but only scores above it are called
  positive, as the official code of MedKLIP does for the accuracy (not for F1). The images at the
  threshold are then wrong where they are positive, so the truth itself does not reach 1.
- `..._test_mcc_threshold_published`: best Matthews correlation on the test labels, the rule of
  KAD. Where no threshold has a positive correlation, every image is called positive.

Undefined without a positive case in the test split; by the validation threshold also without one
in the validation split; balanced accuracy also without a negative case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmark.metrics.confusion import Confusion, at_best_correlation, f1_of, last_best

if TYPE_CHECKING:
    from collections.abc import Mapping

BY_VALIDATION = {
    name: f"{name}_validation_threshold" for name in ("f1", "accuracy", "balanced_accuracy")
}
BY_TEST = {
    "f1": "f1_test_threshold_published",
    "accuracy": "accuracy_test_threshold_published",
    "accuracy_above": "accuracy_test_threshold_official",
    "f1_mcc": "f1_test_mcc_threshold_published",
    "accuracy_mcc": "accuracy_test_mcc_threshold_published",
}
AVERAGE_PRECISION = "average_precision"
METRICS = (AVERAGE_PRECISION, *BY_VALIDATION.values(), *BY_TEST.values())

NO_BEST = frozenset({BY_TEST["accuracy_above"]})
"""Metrics whose best value a perfect prediction does not reach."""

CHOSEN_BY = {
    "validation": "best F1 on the validation split",
    "test": "best F1 on the test labels, the rule of MedKLIP",
    "test_mcc": "best Matthews correlation on the test labels, the rule of KAD",
}


@dataclass(frozen=True)
class RankedClass:
    """The samples of one class with a known label, sorted once for many weightings.

    Attributes:
        positive: Rows of the P positives, descending score.
        negative: Rows of the N negatives, ascending score.
        scores: (P,) of the positives.
        negative_scores: (N,).
        start, end: (P,) positives with a higher score than each, and with at least its score.
        below, not_above: (P,) negatives with a lower score than each, and with at most its score.
    """

    positive: np.ndarray
    negative: np.ndarray
    scores: np.ndarray
    negative_scores: np.ndarray
    start: np.ndarray
    end: np.ndarray
    below: np.ndarray
    not_above: np.ndarray

    @classmethod
    def of(cls, truth: np.ndarray, scores: np.ndarray) -> RankedClass:
        """Sort (n,) scores of at least one positive; labels but 0 and 1 are unknown, left out."""
        values = np.asarray(scores, dtype=np.float64)
        positive, negative = np.flatnonzero(truth == 1), np.flatnonzero(truth == 0)
        positive = positive[np.argsort(-values[positive], kind="stable")]
        negative = negative[np.argsort(values[negative], kind="stable")]
        of_positive, of_negative = values[positive], values[negative]
        return cls(
            positive,
            negative,
            of_positive,
            of_negative,
            start=np.searchsorted(-of_positive, -of_positive, side="left"),
            end=np.searchsorted(-of_positive, -of_positive, side="right"),
            below=np.searchsorted(of_negative, of_positive, side="left"),
            not_above=np.searchsorted(of_negative, of_positive, side="right"),
        )

    def metrics_under(
        self, weights: np.ndarray, validation_threshold: float
    ) -> dict[str, np.ndarray]:
        """Every metric of `METRICS` under many weightings of the samples.

        The threshold on validation is fixed; the one on the test labels is chosen anew under
        each weighting, as the rule says.

        Args:
            weights: (n, r) how often each sample counts; whole numbers in float32 stay exact.
            validation_threshold: NaN leaves its metrics out.

        Returns:
            By metric (r,); NaN where undefined.
        """
        found, missed = _sums(weights[self.positive]), _sums(weights[self.negative])
        positives, negatives = found[-1], missed[-1]
        total = positives + negatives
        hits = found[self.end]
        called = hits + (negatives - missed[self.below])
        results = {
            AVERAGE_PRECISION: _weighted_precision(
                weights[self.positive], hits, called, positives, negatives
            )
        }
        if not np.isnan(validation_threshold):
            count = np.searchsorted(-self.scores, -validation_threshold, side="right")
            lower = np.searchsorted(self.negative_scores, validation_threshold, side="left")
            at = found[count], found[count] + negatives - missed[lower]
            values = Confusion(*at, positives, total).values()
            results |= {BY_VALIDATION[name]: value for name, value in values.items()}
        # A score that no sample has under a weighting is no threshold there.
        present = found[self.end] > found[self.start]
        best = last_best(np.where(present, f1_of(hits, called, positives), -1.0))
        columns = np.arange(weights.shape[1])
        at = hits[best, columns], called[best, columns]
        above = found[self.start[best], columns]
        false_above = negatives - missed[self.not_above[best], columns]
        values = Confusion(*at, positives, total).values()
        strict = Confusion(above, above + false_above, positives, total).values()
        by_mcc = at_best_correlation(hits, called, positives, total).values()
        return results | {
            BY_TEST["f1"]: values["f1"],
            BY_TEST["accuracy"]: values["accuracy"],
            BY_TEST["accuracy_above"]: strict["accuracy"],
            BY_TEST["f1_mcc"]: by_mcc["f1"],
            BY_TEST["accuracy_mcc"]: by_mcc["accuracy"],
        }


def _sums(weights: np.ndarray) -> np.ndarray:
    """Sums of the first 0, 1, 2 ... rows, (m + 1, r) float64."""
    sums = np.zeros((len(weights) + 1, weights.shape[1]))
    np.cumsum(weights, axis=0, dtype=np.float64, out=sums[1:])
    return sums


def _weighted_precision(
    weights: np.ndarray,
    hits: np.ndarray,
    called: np.ndarray,
    positives: np.ndarray,
    negatives: np.ndarray,
) -> np.ndarray:
    precision = np.sum(weights * (hits / np.maximum(called, 1)), axis=0)
    defined = (positives > 0) & (negatives > 0)
    return np.where(defined, precision / np.maximum(positives, 1), np.nan)


def why_not(truth: np.ndarray, validation: np.ndarray) -> Mapping[str, str]:
    """Why each of `METRICS` is undefined for labels (n,) and validation labels (m,), or empty."""
    test = "" if (truth == 1).any() else "no positive case"
    negative = "" if (truth == 0).any() else "no negative case"
    chosen = "" if (validation == 1).any() else "no positive case in validation"
    reasons = dict.fromkeys(METRICS, test)
    reasons[AVERAGE_PRECISION] = test or negative
    for name, metric in BY_VALIDATION.items():
        reasons[metric] = test or chosen or (negative if name == "balanced_accuracy" else "")
    return reasons
