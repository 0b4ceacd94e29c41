"""Which cases a picture shows: by rule, never by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

RULE = "best, median (the lower of two) and worst"


@dataclass(frozen=True)
class Case:
    """One chosen sample: `best`, `median` or `worst`, its id and its value."""

    name: str
    sample: str
    value: float


def best_median_worst(ids: Sequence[str], values: Sequence[float] | np.ndarray) -> list[Case]:
    """The samples of the highest, the median and the lowest value, each sample once.

    Undefined values (NaN) take no part. Equal values are ordered by id, so that the choice does
    not depend on the order of the samples.

    Args:
        ids: (n,).
        values: (n,).
    """
    known = [
        (float(value), str(name))
        for name, value in zip(ids, values, strict=True)
        if np.isfinite(value)
    ]
    known.sort()
    if not known:
        return []
    places = {"best": len(known) - 1, "median": (len(known) - 1) // 2, "worst": 0}
    chosen: dict[int, str] = {}
    for name, place in places.items():
        chosen.setdefault(place, name)
    return [Case(name, known[place][1], known[place][0]) for place, name in chosen.items()]
