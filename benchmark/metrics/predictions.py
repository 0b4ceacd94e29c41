"""What all metrics ask of stored predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmark.errors import BadDataError

if TYPE_CHECKING:
    from collections.abc import Mapping


def require(predictions: Mapping[str, np.ndarray], *names: str) -> None:
    """Raise `BadDataError` where one of the named arrays is absent."""
    absent = [name for name in names if name not in predictions]
    if absent:
        raise BadDataError(
            "The predictions lack " + ", ".join(f"`{name}`" for name in absent) + ".",
            looked_in=[", ".join(sorted(predictions))],
            remedy="The forms are described in docs/architecture.md.",
        )


def require_finite(name: str, values: np.ndarray) -> None:
    """Raise `BadDataError` where a score is NaN or infinite: it has no rank."""
    if not np.isfinite(values).all():
        raise BadDataError(
            f"`{name}` holds values that are not finite, so nothing can be ranked.",
            remedy="Look for a diverged training or an overflow in half precision.",
        )


def rows_of(predictions: Mapping[str, np.ndarray], split: str) -> np.ndarray:
    """Positions of the samples of one split."""
    return np.flatnonzero(np.asarray(predictions["split"]) == split)


def test_rows(predictions: Mapping[str, np.ndarray]) -> np.ndarray:
    """Positions of the test samples; none at all is an error."""
    rows = rows_of(predictions, "test")
    if len(rows) == 0:
        raise BadDataError("The predictions hold no sample of the split `test`.")
    return rows
