"""Which cases a picture shows: by rule, never by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

RULES = {
    1: "the only",
    2: "the best and the other (median and worst)",
    3: "the best, median (the lower of two) and worst",
}
"""By the number of cases."""

EQUAL = "one of equals"
"""Name of a case where all have one value, so that none is best or worst."""


@dataclass(frozen=True)
class Case:
    """One chosen sample: what it is, such as `best`, its id and its value."""

    name: str
    sample: str
    value: float


def best_median_worst(ids: Sequence[str], values: Sequence[float] | np.ndarray) -> list[Case]:
    """The samples of the highest, the median and the lowest value, each sample once.

    Undefined values (NaN) take no part. Equal values are ordered by id, so that the choice does
    not depend on the order of the samples. A sample that is two of them has both names; a single
    one is `only`, and where several all have one value, each is `EQUAL`.

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
    if len(known) == 1:
        return [Case("only", known[0][1], known[0][0])]
    names: dict[int, list[str]] = {}
    places = {"best": len(known) - 1, "median": (len(known) - 1) // 2, "worst": 0}
    for name, place in places.items():
        names.setdefault(place, []).append(name)
    equal = known[0][0] == known[-1][0]
    return [
        Case(EQUAL if equal else " and ".join(several), known[place][1], known[place][0])
        for place, several in names.items()
    ]


def choice_sentence(cases: Sequence[Case], what: str, score: str) -> str:
    """By which rule cases were chosen, and their ids.

    Args:
        cases: As `best_median_worst` gives them; one at least.
        what: One of the samples, such as `test image`.
        score: What was compared, and among which samples.
    """
    samples = ", ".join(case.sample for case in cases)
    if cases[0].name == EQUAL:
        return f"Every {what} has the same {score}; chosen by id: {samples}."
    plural = "" if len(cases) == 1 else "s"
    return f"{what.capitalize()}{plural} with {RULES[len(cases)]} {score}: {samples}."
