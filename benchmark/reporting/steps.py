"""What each part of an ablation adds: paired differences between its rows.

A row that is another one with an option changed (`g2d+heads=1`) is compared with that one, any
other with the method of the layout above it; rows that a user's options or weights have made are no
steps of the paper's. The difference is that of `comparison`, on the same patients; below the
smallest detectable one it reads `unresolved`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.registry import OPTION_MARK
from benchmark.reporting.cells import Measured, seeds_of
from benchmark.reporting.comparison import metrics_of
from benchmark.reporting.model import Head, Line, Sheet, TableCell
from benchmark.reporting.source import STALE, is_stale

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmark.reporting.grid import Entry
    from benchmark.reporting.layout import Column, Format
    from benchmark.reporting.select import Block, Group
    from benchmark.reporting.source import Source

TITLE = "Steps"
REMARK = (
    "Difference to the row named, on the same patients, with its 95 % interval. A step below the "
    "smallest detectable difference is `unresolved`."
)
SIGNED: Mapping[Format, Format] = {"percent_1": "signed_percent_1", "decimal_3": "signed_3"}


def step_sheet(
    source: Source, rows: Sequence[Entry], block_of: Mapping[str, Block]
) -> Sheet | None:
    """The differences between the rows of an ablation; None without two measured rows.

    Args:
        source: Of the table.
        rows: Of the table, as `grid.entries` gives them.
        block_of: The block that is shown, by task.
    """
    places = [
        place
        for place, column in enumerate(source.layout.columns)
        if not column.excess_over and _metric(column) in metrics_of(column.task)
    ]
    named = {row.baseline for row in source.layout.rows if row.role == "method"}
    methods = [
        row
        for row in rows
        if row.row.role == "method" and row.row.baseline in named and _of_the_paper(row.group)
    ]
    lines = []
    seen = set()
    for position, row in enumerate(methods):
        reference = _reference(methods, position)
        if reference is None or (row.group, reference.group) in seen:
            continue
        seen.add((row.group, reference.group))
        cells = tuple(_cell(source, place, row, reference) for place in places)
        if any(cell.measured.state == "value" for cell in cells):
            texts = (row.row.title, reference.row.title)
            lines.append(Line(texts, cells, "method", row.row.baseline))
    if not lines:
        return None
    heads = tuple(_head(source.layout.columns[place], block_of) for place in places)
    return Sheet(TITLE, ("Row", "Over"), heads, tuple(lines), REMARK)


def _metric(column: Column) -> str:
    return next(iter(column.metrics.values()))


def _of_the_paper(group: Group) -> bool:
    return group.options == "{}" and group.weights in ("", "trained")


def _reference(methods: Sequence[Entry], position: int) -> Entry | None:
    base = methods[position].row.baseline.partition(OPTION_MARK)[0]
    if base != methods[position].row.baseline:
        return next((row for row in methods if row.row.baseline == base), None)
    if position == 0 or methods[position - 1].row.baseline.partition(OPTION_MARK)[0] == base:
        return None
    return methods[position - 1]


def _cell(source: Source, place: int, row: Entry, reference: Entry) -> TableCell:
    first, second = row.found[place], reference.found[place]
    if not first or not second:
        return TableCell(Measured("not_run"))
    comparison = source.comparer.compare(first, second, _metric(source.layout.columns[place]))
    keys = tuple(sorted(str(item.cell["key"]) for item in (*first, *second)))
    found = comparison.found
    if found.difference is None:
        return TableCell(Measured("undefined", reason=found.why), keys=keys)
    stale = any(is_stale(item, source) for item in (*first, *second))
    measured = Measured(
        "value",
        value=found.difference,
        interval=found.interval,
        reason="; ".join(filter(None, (found.why, STALE if stale else ""))),
        seeds=seeds_of(first),
        verdict=found.verdict,
    )
    return TableCell(measured, keys=keys)


def _head(column: Column, block_of: Mapping[str, Block]) -> Head:
    block = block_of.get(column.task)
    return Head(
        column.title,
        SIGNED.get(column.format, column.format),
        task=column.task,
        variant=block.variant if block else "",
        data_id=block.data_id if block else "",
        labels=column.labels,
        metric=_metric(column),
    )
