"""The best of a column, and the methods that cannot be told from it.

Only methods are ranked, each by its own form of reading the predictions (the first of a table's
forms), and only by metrics of which single samples were kept: the best must be told from the
others on the same patients. Every other method is compared with the best (`comparison`); the
p-values of a column are corrected as one family after Holm, and a method whose corrected p-value is
5 % or more shares the mark. So does one that could not be compared, or on fewer than 30 patients.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from benchmark.reporting.comparison import metrics_of
from benchmark.statistics.difference import FEWEST_PATIENTS
from benchmark.statistics.multiplicity import tied_with_best

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    values = {
        place: cell.measured.value
        for place, (row, cell) in enumerate(zip(rows, cells, strict=True))
        if row.row.role in RANKED_ROLES and row.form.name == first
        if cell.measured.value is not None
    }
    if len(values) < 2 or metric not in metrics_of(column.task):
        return list(cells)
    best = max(values, key=values.__getitem__)
    others = {
        place: source.comparer.compare(found[best], found[place], metric)
        for place in values
        if place != best
    }
    tied = tied_with_best({str(place): _p_value(one) for place, one in others.items()})
    marked_cells = list(cells)
    marked_cells[best] = replace(cells[best], mark="best")
    for place, comparison in others.items():
        mark: Mark = "tie" if str(place) in tied else ""
        marked_cells[place] = replace(cells[place], mark=mark, to_best=comparison)
    return marked_cells


def _p_value(comparison: Comparison) -> float | None:
    """None where nothing may follow from it."""
    found = comparison.found
    return found.p_value if found.patients >= FEWEST_PATIENTS else None
