"""One ranked table: rows by columns of measured cells, published numbers beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmark.reporting.beside import (
    not_comparable,
    published_number,
    published_text,
    worth_a_column,
)
from benchmark.reporting.cells import Measured, measured, seeds_text, value_text
from benchmark.reporting.excess import paired_excess
from benchmark.reporting.layout import Column, Form, Row, TableLayout
from benchmark.reporting.markdown import Footnotes, table
from benchmark.reporting.published import Join, PublishedNumber
from benchmark.reporting.select import Block, Group, Result, TableRow, picked, rows_for

DASH = "–"
FROM_SCRATCH_HEADING = "**Without start weights**"
WHOLE_FORM = Form("", "")
StateOf = Callable[[Group, Block | None, Column], Measured]


@dataclass(frozen=True)
class Source:
    """What a table is made of.

    Attributes:
        results: Evaluation records of the profile that the table may show.
        numbers: The published CSVs that the layout names.
        state_of: Says why a cell without a record has none.
        paper_corpus: Data set that the table's own suite pre-trains on; empty for none.
        left_out: Records of the profile whose weights were pre-trained on another corpus.
    """

    layout: TableLayout
    results: Sequence[Result]
    numbers: Sequence[PublishedNumber]
    join: Join
    profile: str
    state_of: StateOf
    paper_corpus: str = ""
    left_out: Sequence[Result] = ()


@dataclass(frozen=True)
class Entry:
    """One row in one form, with its measured cell for each column."""

    row: Row
    group: Group
    form: Form
    cells: tuple[Measured, ...]


def entries(source: Source, block_of: Mapping[str, Block]) -> list[Entry]:
    """All rows of one table, in order."""
    found = []
    for item in rows_for(source.layout, source.results):
        for form in source.layout.forms or (WHOLE_FORM,):
            if item.row.forms and form.name not in item.row.forms:
                continue
            cells = [
                _cell(source, item, form, column, block_of) for column in source.layout.columns
            ]
            if not _only_lacks_form(form, cells, source):
                found.append(Entry(item.row, item.group, form, tuple(cells)))
    return found


def _only_lacks_form(form: Form, cells: Sequence[Measured], source: Source) -> bool:
    """Whether a form beyond the first has nothing to say: one row of `not run` is enough."""
    first = not source.layout.forms or form.name == source.layout.forms[0].name
    return not first and all(cell.state in ("not_run", "not_applicable") for cell in cells)


def _cell(
    source: Source,
    item: TableRow,
    form: Form,
    column: Column,
    block_of: Mapping[str, Block],
) -> Measured:
    metric = column.metrics.get(form.name, column.metrics.get(""))
    if metric is None:
        return Measured("not_applicable")
    if not item.row.baseline:
        return Measured("not_run", reason="this version has no baseline of that name")
    block = block_of.get(column.task)
    if block is None:
        return source.state_of(item.group, block, column)
    found = picked(source.results, item.group, block, column.labels)
    if not found:
        return source.state_of(item.group, block, column)
    if not column.excess_over:
        return measured(found, metric)
    if item.row.baseline == column.excess_over:
        return Measured("not_applicable")
    reference = picked(source.results, Group(column.excess_over, "none"), block, column.labels)
    return paired_excess(found, reference, metric, column.excess_over)


def render(source: Source, block_of: Mapping[str, Block], notes: Footnotes) -> str:
    """The Markdown of one table, in one piece for each section; reasons go to the footnotes."""
    rows = entries(source, block_of)
    parts = []
    for section in dict.fromkeys(column.section for column in source.layout.columns):
        places = [
            place for place, column in enumerate(source.layout.columns) if column.section == section
        ]
        if section:
            parts.append(f"### {section}")
        parts.append(_section(source, rows, places, block_of, notes))
    return "\n\n".join(parts)


def _section(
    source: Source,
    rows: Sequence[Entry],
    places: Sequence[int],
    block_of: Mapping[str, Block],
    notes: Footnotes,
) -> str:
    """One Markdown table of the columns at some places of the layout."""
    columns = [source.layout.columns[place] for place in places]
    beside = [
        any(worth_a_column(published_number(source, row.row, row.form, item)) for row in rows)
        for item in columns
    ]
    headers = ["Method", *(["Form"] if source.layout.forms else []), "Seeds"]
    for column, has_published in zip(columns, beside, strict=True):
        headers.append(column.title)
        if has_published:
            headers.append(f"{column.title}, published")
    body = []
    scratch_begins = False
    for entry in rows:
        if entry.row.role == "from scratch" and not scratch_begins:
            scratch_begins = True
            body.append([FROM_SCRATCH_HEADING, *[""] * (len(headers) - 1)])
        cells = [entry.cells[place] for place in places]
        line = [_name(entry.row)]
        if source.layout.forms:
            line.append(DASH if entry.row.role in ("prior", "sentinel") else entry.form.title)
        line.append(seeds_text(_all_seeds(cells)))
        for column, cell, has in zip(columns, cells, beside, strict=True):
            line.append(cell_text(cell, column, notes))
            if has:
                line.append(_beside_text(source, entry, column, cell, block_of, notes))
        body.append(line)
    return table(headers, body)


def _beside_text(
    source: Source,
    entry: Entry,
    column: Column,
    cell: Measured,
    block_of: Mapping[str, Block],
    notes: Footnotes,
) -> str:
    block = block_of.get(column.task)
    found = picked(source.results, entry.group, block, column.labels) if block else ()
    reason = ""
    if not column.data_free:
        reason = not_comparable(source, block, found, column.paper_recipe)
    item = published_number(source, entry.row, entry.form, column)
    return published_text(source, item, cell, column.format, notes, reason)


def _name(row: Row) -> str:
    if row.role in ("method", "from scratch"):
        return row.title
    return f"*{row.title}* ({row.role})"


def _all_seeds(cells: Sequence[Measured]) -> dict[str, tuple[int, ...]]:
    merged: dict[str, set[int]] = {}
    for cell in cells:
        for axis, values in (cell.seeds or {}).items():
            merged.setdefault(axis, set()).update(values)
    return {axis: tuple(sorted(values)) for axis, values in merged.items()}


def cell_text(cell: Measured, column: Column, notes: Footnotes) -> str:
    """What the cell prints."""
    if cell.state == "value":
        return value_text(cell, column.format) + (notes.mark(cell.reason) if cell.reason else "")
    if cell.state == "not_applicable":
        return DASH + notes.mark(cell.reason)
    words = {
        "undefined": "undefined",
        "not_run": "not run",
        "failed": "failed",
        "ambiguous": "ambiguous",
    }
    return words[cell.state] + notes.mark(cell.reason)
