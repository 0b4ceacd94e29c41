"""The pairs of one block as a table, for reading all of them at once and without scripts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchmark.reporting.cells import number
from benchmark.reporting.report.grids import Column, ColumnGroup, Grid, GridCell, GridRow
from benchmark.reporting.report.notes import Footnotes, sentence
from benchmark.reporting.report.sheets import interval_text, signed

if TYPE_CHECKING:
    from benchmark.reporting.comparison import Comparison
    from benchmark.reporting.layout import Format

_GROUPS = tuple(
    ColumnGroup((Column(title, "number" if numeric else "text", title == "difference"),))
    for title, numeric in (
        ("first", False),
        ("second", False),
        ("difference", True),
        ("p", True),
        ("smallest detectable", True),
        ("verdict", False),
        ("samples", True),
        ("patients", True),
        ("samples to settle", True),
    )
)


def pairs_grid(
    title: str,
    data_id: str,
    methods: Sequence[str],
    pairs: Sequence[tuple[int, int, Comparison]],
    form: Format,
    anchor: str,
) -> Grid:
    """One line for each pair; differences are the first minus the second.

    Args:
        title: Of the block.
        data_id: Of its data.
        methods: Names of its methods.
        pairs: Places of the first and the second method, and what came out.
        form: How the tables print the metric.
        anchor: Id of the grid's element.
    """
    notes = Footnotes()
    rows = tuple(_row(methods[one], methods[two], found, form, notes) for one, two, found in pairs)
    used = dict.fromkeys(found.found.method for _, _, found in pairs if found.found.method)
    remark = (
        f"Data `{data_id}`. Differences are the first minus the second; patients are those that "
        "carry the score."
    )
    if used:
        remark += f" p by {' or '.join(used)}."
    if any(found.one_checkpoint for _, _, found in pairs):
        remark += (
            " With a single pre-training seed on a side, the interval speaks of that checkpoint, "
            "not of the method."
        )
    return Grid(anchor, title, _GROUPS, rows, remark, notes.texts())


def _row(first: str, second: str, one: Comparison, form: Format, notes: Footnotes) -> GridRow:
    found = one.found
    cells = [GridCell(first), GridCell(second)]
    marks = notes.mark(sentence(found.why))
    if found.difference is None:
        return GridRow((*cells, GridCell("undefined", tone="none", notes=marks), *[_EMPTY] * 6))
    cells.append(
        GridCell(
            signed(found.difference, form),
            interval_text(found.interval, form),
            sort=found.difference,
            notes=marks,
        )
    )
    detectable = found.smallest_detectable
    cells += [
        GridCell(p_text(found.p_value), sort=found.p_value),
        _EMPTY
        if detectable is None
        else GridCell(number(detectable, form).lstrip("+"), sort=detectable),
        GridCell(found.verdict, tone=found.verdict),
        _count(one.samples),
        _count(found.patients),
        _count(one.samples_to_settle),
    ]
    return GridRow(tuple(cells))


_EMPTY = GridCell("", tone="none")


def _count(value: int | None) -> GridCell:
    return _EMPTY if value is None else GridCell(f"{value:,}", sort=value)


def p_text(value: float | None) -> str:
    """Three decimals; a very small one as an inequality."""
    if value is None:
        return ""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
