"""Many comparisons at once: Holm's correction, and which methods share the first place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

FAMILY_LEVEL = 0.05


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values in the given order (Holm, Scandinavian Journal of Statistics 6, 1979).

    Rejecting every adjusted value below a level keeps the chance of any false rejection below
    it, however the tests depend on each other.
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted


def tied_with_best(p_values: Mapping[str, float | None], level: float = FAMILY_LEVEL) -> set[str]:
    """Which methods cannot be told from the best, by their p-value of a comparison with it.

    The comparisons of one column are one family, corrected after Holm. A comparison that could
    not be made (None) tells nothing, so it leaves a tie.

    Args:
        p_values: By method, without the best itself.
        level: Of the family.
    """
    known = {name: value for name, value in p_values.items() if value is not None}
    adjusted = dict(zip(known, holm(list(known.values())), strict=True))
    return {name for name in p_values if name not in adjusted or adjusted[name] >= level}
