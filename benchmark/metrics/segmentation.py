"""Dice of binary masks, with its convention for empty masks in the name.

- `dice_empty_is_one`: mean over all images of 2 |P and T| / (|P| + |T|); an image whose target is
  empty scores 1 if the prediction is empty too, else 0 (the published convention). On a test list
  of two thirds empty masks, predicting nothing scores two thirds.
- `dice_nonempty`: mean over the images whose target is not empty; undefined without one.
"""

from __future__ import annotations

import numpy as np

from benchmark.errors import BadDataError
from benchmark.interfaces import Metric
from benchmark.statistics.bootstrap import PatientBootstrap, percentile_interval


def dice_per_image(prediction: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Dice of each image; an empty target gives 1 for an empty prediction, else 0.

    Args:
        prediction: (n, height, width), non-zero = inside.
        target: Alike.
    """
    if prediction.shape != target.shape:
        raise BadDataError(f"Masks of different shapes: {prediction.shape} and {target.shape}.")
    predicted = np.asarray(prediction, dtype=bool).reshape(len(prediction), -1)
    true = np.asarray(target, dtype=bool).reshape(len(target), -1)
    common = np.sum(predicted & true, axis=1)
    size, true_size = predicted.sum(axis=1), true.sum(axis=1)
    return dice_from_counts(common, size, true_size)


def dice_from_counts(common: np.ndarray, predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Dice from pixel counts (n,) of the intersection, the prediction and the target."""
    total = np.asarray(predicted) + np.asarray(true)
    dice = 2 * np.asarray(common) / np.maximum(total, 1)
    scores = np.where(np.asarray(true) == 0, np.asarray(predicted) == 0, dice)
    return np.asarray(scores, dtype=np.float64)


def dice_metrics(
    dice: np.ndarray, nonempty: np.ndarray, patients: np.ndarray, seed: int, replicates: int
) -> dict[str, Metric]:
    """Both means with 95 % intervals by patient.

    Args:
        dice: (n,) from `dice_per_image`.
        nonempty: (n,) whether the target of the image is not empty.
        patients: (n,).
        seed: The bootstrap axis.
        replicates: Bootstrap replicates.
    """
    bootstrap = PatientBootstrap.draw(patients, replicates, seed)
    positive = np.where(nonempty, dice, np.nan)
    metrics = {}
    for name, values in (("dice_empty_is_one", dice), ("dice_nonempty", positive)):
        known = np.isfinite(values)
        if not known.any():
            metrics[name] = Metric(None, "no image with a target", best=1.0)
            continue
        interval = percentile_interval(bootstrap.means(values))
        metrics[name] = Metric(
            float(np.mean(values[known])),
            why=f"no interval: {interval.why}" if interval.why and replicates else "",
            interval=interval.bounds,
            best=1.0,
            n=int(known.sum()),
        )
    return metrics
