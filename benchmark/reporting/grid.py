"""The sheets of one ranked table: rows by columns of measured cells, published numbers beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from benchmark.reporting.beside import beside, not_comparable, published_number
from benchmark.reporting.cells import Measured, measured, seeds_text
from benchmark.reporting.excess import paired_excess
from benchmark.reporting.layout import Column, Form, Row, TableLayout
from benchmark.reporting.marks import marked
from benchmark.reporting.model import Head, Line, Sheet, TableCell
from benchmark.reporting.select import Block, Group, Result, TableRow, picked, rows_for
from benchmark.reporting.source import STALE, Source, is_stale
from benchmark.reporting.steps import step_sheet

DASH = "–"
WHOLE_FORM = Form("", "")


@dataclass(frozen=True)
class Entry:
    """One row in one form: for each column its measured cell and the records behind it."""

    row: Row
    group: Group
    form: Form
    cells: tuple[Measured, ...]
    found: tuple[tuple[Result, ...], ...]


def entries(source: Source, block_of: Mapping[str, Block]) -> list[Entry]:
    """All rows of one table, in order."""
    entered = []
    for item in rows_for(source.layout, source.results):
        for form in source.layout.forms or (WHOLE_FORM,):
            if item.row.forms and form.name not in item.row.forms:
                continue
            found = [_found(source, item, column, block_of) for column in source.layout.columns]
            cells = [
                _cell(source, item, form, column, block_of, results)
                for column, results in zip(source.layout.columns, found, strict=True)
            ]
            if not _only_lacks_form(item.row, form, cells, source):
                behind = tuple(tuple(results) for results in found)
                entered.append(Entry(item.row, item.group, form, tuple(cells), behind))
    return entered


def _only_lacks_form(row: Row, form: Form, cells: Sequence[Measured], source: Source) -> bool:
    """Whether a form beyond a row's first has nothing to say: one row of `not run` is enough."""
    shown = [item.name for item in source.layout.forms if not row.forms or item.name in row.forms]
    first = not shown or form.name == shown[0]
    return not first and all(cell.state in ("not_run", "not_applicable") for cell in cells)


def _found(
    source: Source, item: TableRow, column: Column, block_of: Mapping[str, Block]
) -> list[Result]:
    block = block_of.get(column.task)
    if block is None or not item.row.baseline:
        return []
    return picked(source.results, item.group, block, column.labels)


def _cell(
    source: Source,
    item: TableRow,
    form: Form,
    column: Column,
    block_of: Mapping[str, Block],
    found: Sequence[Result],
) -> Measured:
    metric = column.metrics.get(form.name, column.metrics.get(""))
    if metric is None:
        return Measured("not_applicable")
    if not item.row.baseline:
        return Measured("not_run", reason="this version has no baseline of that name")
    block = block_of.get(column.task)
    if block is None or not found:
        return source.state_of(item.group, block, column)
    if not column.excess_over:
        return _with_stale(measured(found, metric), found, source)
    if item.row.baseline == column.excess_over:
        return Measured("not_applicable")
    reference = picked(source.results, Group(column.excess_over, "none"), block, column.labels)
    excess = paired_excess(source.comparer, found, reference, metric, column.excess_over)
    return _with_stale(excess, [*found, *reference], source)


def _with_stale(cell: Measured, found: Sequence[Result], source: Source) -> Measured:
    """The cell, with a note where a record was made with other settings or versions."""
    if not any(is_stale(item, source) for item in found):
        return cell
    return replace(cell, reason="; ".join(filter(None, (cell.reason, STALE))))


def main_sheets(source: Source, block_of: Mapping[str, Block]) -> list[Sheet]:
    """The table in one sheet for each section, and an ablation's steps.

    None where the layout has no column.

    Args:
        source: Of the table.
        block_of: The block to show, by task.
    """
    rows = entries(source, block_of)
    columns = source.layout.columns
    sheets = []
    for section in dict.fromkeys(column.section for column in columns):
        places = [place for place, column in enumerate(columns) if column.section == section]
        sheets.append(_sheet(source, section, rows, places, block_of))
    steps = step_sheet(source, rows, block_of) if source.layout.ablation else None
    return sheets if steps is None else [*sheets, steps]


def _sheet(
    source: Source,
    section: str,
    rows: Sequence[Entry],
    places: Sequence[int],
    block_of: Mapping[str, Block],
) -> Sheet:
    """One sheet of the columns at some places of the layout."""
    layout = source.layout
    columns = [
        _column_cells(source, rows, place, block_of.get(layout.columns[place].task))
        for place in places
    ]
    lines = []
    for position, entry in enumerate(rows):
        if _has_no_place(entry, places, layout):
            continue
        texts = [entry.row.title, *(entry.row.facts.get(title, "") for title in layout.facts)]
        if layout.forms:
            texts.append(DASH if entry.row.role in ("prior", "sentinel") else entry.form.title)
        texts.append(seeds_text(_all_seeds([entry.cells[place] for place in places])))
        cells = tuple(column[position] for column in columns)
        lines.append(Line(tuple(texts), cells, entry.row.role, entry.row.baseline))
    text_heads = ("Method", *layout.facts, *(["Form"] if layout.forms else []), "Seeds")
    heads = tuple(_head(layout.columns[place], block_of) for place in places)
    return Sheet(section, text_heads, heads, tuple(lines))


def _has_no_place(entry: Entry, places: Sequence[int], layout: TableLayout) -> bool:
    """Whether a baseline that the layout does not name has nothing in these columns."""
    if any(entry.row.baseline == row.baseline for row in layout.rows):
        return False
    return all(entry.cells[place].state in ("not_run", "not_applicable") for place in places)


def _head(column: Column, block_of: Mapping[str, Block]) -> Head:
    block = block_of.get(column.task)
    metrics = dict.fromkeys(column.metrics.values())
    return Head(
        column.title,
        column.format,
        task=column.task,
        variant=block.variant if block else "",
        data_id=block.data_id if block else "",
        labels=column.labels,
        metric=next(iter(metrics)),
    )


def _column_cells(
    source: Source, rows: Sequence[Entry], place: int, block: Block | None
) -> list[TableCell]:
    """The cells of one column, marked and with published numbers."""
    column = source.layout.columns[place]
    cells = []
    for entry in rows:
        cell, found = entry.cells[place], entry.found[place]
        reason = ""
        if not column.data_free:
            reason = not_comparable(source, block, found, column.paper_recipe)
        item = published_number(source, entry.row, entry.form, column)
        keys = tuple(sorted(str(one.cell["key"]) for one in found))
        side = beside(source, item, cell, found, reason, exact=column.data_free)
        cells.append(TableCell(cell, side, keys=keys))
    if block is None or block.phantom or column.excess_over:
        return cells
    return marked(source, column, rows, [entry.found[place] for entry in rows], cells)


def _all_seeds(cells: Sequence[Measured]) -> dict[str, tuple[int, ...]]:
    merged: dict[str, set[int]] = {}
    for cell in cells:
        for axis, values in (cell.seeds or {}).items():
            merged.setdefault(axis, set()).update(values)
    return {axis: tuple(sorted(values)) for axis, values in merged.items()}
