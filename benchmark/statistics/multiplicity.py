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


def told_apart(
    p_values: Mapping[frozenset[str], float], best: str, level: float = FAMILY_LEVEL
) -> set[str]:
    """Which methods can be told from the best.

    The best is chosen by the same data, so the family is every pair of methods, not the pairs
    with it: corrected after Holm, the chance that any two methods of equal worth are told apart
    stays below the level, whichever of them comes out best.

    Args:
        p_values: By pair of methods, all that could be compared.
        best: One of them.
        level: Of the family.
    """
    pairs = list(p_values)
    adjusted = dict(zip(pairs, holm([p_values[pair] for pair in pairs]), strict=True))
    return {
        name
        for pair, value in adjusted.items()
        if best in pair and value < level
        for name in pair - {best}
    }
