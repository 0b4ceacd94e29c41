"""Shortcuts that must not read the findings: thumbnails, histograms, linear classifiers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[Any]


def thumbnails(images: NDArray[np.uint8], side: int) -> Array:
    """Block means, (n, side * side), in [0, 1]."""
    count, size = images.shape[:2]
    block = size // side
    cut = images[:, : block * side, : block * side]
    means = cut.reshape(count, side, block, side, block).mean((2, 4), dtype=np.float32)
    result: Array = (means / np.float32(255)).reshape(count, -1)
    return result


def histograms(images: NDArray[np.uint8]) -> Array:
    """64-bin histograms, (n, 64), as parts of the pixels."""
    rows = [np.bincount(image.ravel() >> 2, minlength=64) for image in images]
    result: Array = (np.stack(rows) / images[0].size).astype(np.float32)
    return result


def linear_auc(train: Array, train_labels: Array, test: Array, test_labels: Array) -> Array:
    """Test AUC per class of logistic regression, its penalty chosen on a part of `train`."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(train)
    train, test = scaler.transform(train), scaler.transform(test)
    kept = np.arange(len(train)) % 5 != 0
    result = []
    for index in range(train_labels.shape[1]):
        truth = train_labels[:, index]

        def fitted(
            rows: NDArray[np.bool_], penalty: float, truth: Array = truth
        ) -> Callable[..., Array]:
            model = LogisticRegression(C=penalty, max_iter=300)
            return model.fit(train[rows], truth[rows]).decision_function  # type: ignore[no-any-return]

        held = [
            roc_auc_score(truth[~kept], fitted(kept, penalty)(train[~kept]))
            for penalty in (1e-3, 1e-1)
        ]
        best = (1e-3, 1e-1)[int(np.argmax(held))]
        scores = fitted(np.ones(len(train), bool), best)(test)
        result.append(roc_auc_score(test_labels[:, index], scores))
    return np.array(result, np.float32)
