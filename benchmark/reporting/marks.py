"""The best of a column, and the methods that cannot be told from it.

Only methods are ranked, each by its own form of reading the predictions (the first of a table's
forms), only by metrics of which single samples were kept, and only methods whose mean runs over
the same classes: as many as any of them has. All pairs of them are compared on the same patients
(`comparison`), and the p-values corrected as one family after Holm, since the best is chosen by the
same data. A method shares the mark of the best unless it is found to be lower.

A method that could not be compared with the best has no mark, and says why. Nothing is marked
where no comparison could be made.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

from benchmark.reporting.comparison import metrics_of
from benchmark.statistics.difference import FEWEST_FOR_VERDICT
from benchmark.statistics.multiplicity import told_apart

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmark.reporting.comparison import Comparison
    from benchmark.reporting.grid import Entry
    from benchmark.reporting.layout import Column
    from benchmark.reporting.model import Mark, TableCell
    from benchmark.reporting.select import Result
    from benchmark.reporting.source import Source

RANKED_ROLES = ("method", "from scratch")


def marked(
    source: Source,
    column: Column,
    rows: Sequence[Entry],
    found: Sequence[Sequence[Result]],
    cells: Sequence[TableCell],
) -> list[TableCell]:
    """The cells of one column, with `mark` and `to_best`.

    Args:
        source: Gives the comparer.
        column: Of the layout.
        rows: One for each cell.
        found: The records behind each cell.
        cells: Not yet marked.
    """
    first = source.layout.forms[0].name if source.layout.forms else ""
    metric = column.metrics.get(first, column.metrics.get("", ""))
    if metric not in metrics_of(column.task):
        return list(cells)
    values = {
        place: cell.measured.value
        for place, (row, cell) in enumerate(zip(rows, cells, strict=True))
        if row.row.role in RANKED_ROLES and row.form.name == first
        if cell.measured.value is not None
    }
    values = _over_most_classes(values, found, metric)
    if len(values) < 2:
        return list(cells)
    best = max(values, key=values.__getitem__)
    compared = {
        frozenset((one, other)): source.comparer.compare(found[one], found[other], metric)
        for one, other in combinations(sorted(values, key=values.__getitem__, reverse=True), 2)
    }
    known = {pair: one for pair, one in compared.items() if _usable(one)}
    if not any(best in pair for pair in known):
        return list(cells)
    p_values = {
        frozenset(map(str, pair)): float(one.found.p_value or 0.0) for pair, one in known.items()
    }
    apart = told_apart(p_values, str(best))
    marked_cells = list(cells)
    marked_cells[best] = replace(cells[best], mark="best")
    for place in set(values) - {best}:
        pair = frozenset((best, place))
        comparison = compared[pair]
        lower = str(place) in apart and (comparison.found.difference or 0.0) > 0
        mark: Mark = "tie" if pair in known and not lower else ""
        cell = replace(cells[place], mark=mark, to_best=comparison)
        marked_cells[place] = cell if pair in known else _unmarked(cell, comparison)
    return marked_cells


def _over_most_classes(
    values: Mapping[int, float], found: Sequence[Sequence[Result]], metric: str
) -> dict[int, float]:
    """The methods whose mean runs over as many classes as any has: others rank something else."""

    def undefined(place: int) -> frozenset[str]:
        scores = [item.record["metrics"][metric] for item in found[place]]
        return frozenset(name for score in scores for name in score.get("why_per_class") or {})

    if not values:
        return {}
    fewest = min((undefined(place) for place in values), key=len)
    return {place: value for place, value in values.items() if undefined(place) == fewest}


def _usable(comparison: Comparison) -> bool:
    """Whether something may follow from it."""
    found = comparison.found
    return found.p_value is not None and found.patients >= FEWEST_FOR_VERDICT


def _unmarked(cell: TableCell, comparison: Comparison) -> TableCell:
    reason = f"not compared with the best: {comparison.found.why}"
    joined = "; ".join(filter(None, (cell.measured.reason, reason)))
    return replace(cell, measured=replace(cell.measured, reason=joined))
