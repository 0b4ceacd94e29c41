"""Ranking metrics of one label: AUC, average precision, and the best thresholds.

`truth` is 1 (positive) or 0 (negative); anything else, such as NaN, is unknown and left out.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from benchmark.metrics.confusion import correlation_of, last_best

AUC_CHANCE = 0.5


def why_undefined(truth: np.ndarray) -> str:
    """Why an AUC is undefined, or an empty string."""
    labels = np.asarray(truth)
    if not (labels == 1).any():
        return "no positive case"
    if not (labels == 0).any():
        return "no negative case"
    return ""


def rank_auc(truth: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Area under the ROC curve from ranks (Mann-Whitney U); a tie counts half.

    Args:
        truth: (n,).
        scores: (n,), or (n, draws) for many score vectors at once.

    Returns:
        Scalar array or (draws,); NaN without a positive or without a negative case.
    """
    labels, values = np.asarray(truth), np.asarray(scores)
    known = (labels == 0) | (labels == 1)
    positive = labels[known] == 1
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if positives == 0 or negatives == 0:
        return np.full(values.shape[1:], np.nan)
    ranks = rankdata(values[known], axis=0)
    total = ranks[positive].sum(axis=0)
    return np.asarray((total - positives * (positives + 1) / 2) / (positives * negatives))


def _counts_by_threshold(
    truth: np.ndarray, scores: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct scores, descending, with true positives and predicted positives at `>=` each."""
    labels, values = np.asarray(truth), np.asarray(scores)
    known = (labels == 0) | (labels == 1)
    labels, values = labels[known], values[known]
    order = np.argsort(-values.astype(np.float64), kind="stable")
    ordered = values[order]
    last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    true_positives = np.cumsum(labels[order] == 1)[last]
    return ordered[last], true_positives, last + 1


def roc_points(truth: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """False and true positive rates at every distinct score, from (0, 0) to (1, 1).

    Equal scores are called positive together, so that the area under the straight lines between
    the points is `rank_auc`. Both are NaN throughout without a positive or without a negative.
    """
    _, hits, predicted = _counts_by_threshold(truth, scores)
    hits, predicted = (np.concatenate([[0], counts]) for counts in (hits, predicted))
    false = predicted - hits
    if why_undefined(truth):
        return np.full(len(hits), np.nan), np.full(len(hits), np.nan)
    return false / false[-1], hits / hits[-1]


def average_precision(truth: np.ndarray, scores: np.ndarray) -> float:
    """Sum over thresholds of recall step x precision, without interpolation; NaN if undefined."""
    if why_undefined(truth):
        return float("nan")
    _, hits, predicted = _counts_by_threshold(truth, scores)
    steps = np.diff(np.concatenate([[0], hits])) / hits[-1]
    return float(np.sum(steps * hits / predicted))


def best_f1_threshold(truth: np.ndarray, scores: np.ndarray) -> float:
    """The score t for which "positive if score >= t" has the highest F1; the lowest of equals.

    NaN without a positive case.
    """
    if not (np.asarray(truth) == 1).any():
        return float("nan")
    thresholds, hits, predicted = _counts_by_threshold(truth, scores)
    f1 = 2 * hits / (predicted + hits[-1])
    return float(thresholds[last_best(f1)])


def best_correlation_threshold(truth: np.ndarray, scores: np.ndarray) -> float:
    """As `best_f1_threshold`, for Matthews' correlation; it is 0 where all are called positive.

    So the threshold is the lowest score where none has a positive correlation.
    """
    if not (np.asarray(truth) == 1).any():
        return float("nan")
    thresholds, hits, predicted = _counts_by_threshold(truth, scores)
    positives, total = np.asarray(float(hits[-1])), np.asarray(float(predicted[-1]))
    correlation = correlation_of(hits, predicted, positives, total)
    return float(thresholds[last_best(correlation)])
