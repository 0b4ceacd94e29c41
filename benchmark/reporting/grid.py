"""One ranked table: rows by columns of measured cells, published numbers beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmark.reporting.cells import Measured, measured, number, seeds_text, value_text
from benchmark.reporting.excess import paired_excess
from benchmark.reporting.layout import Column, Form, Row, TableLayout
from benchmark.reporting.markdown import Footnotes, table
from benchmark.reporting.published import SHOWN, Join, PublishedNumber, find
from benchmark.reporting.select import Block, Group, Result, TableRow, picked, rows_for

DASH = "–"
WHOLE_FORM = Form("", "")
StateOf = Callable[[Group, Block | None, Column], Measured]


@dataclass(frozen=True)
class Source:
    """What a table is made of.

    Attributes:
        results: All evaluation records of the profile.
        numbers: The published CSVs that the layout names.
        state_of: Says why a cell without a record has none.
    """

    layout: TableLayout
    results: Sequence[Result]
    numbers: Sequence[PublishedNumber]
    join: Join
    profile: str
    state_of: StateOf


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


def published_number(
    source: Source, row: Row, form: Form, column: Column
) -> PublishedNumber | None:
    """The paper's number for one cell; None where the paper has none for this form."""
    if not row.published or not column.published or form.name != row.published_form:
        return None
    return find(
        source.numbers,
        method=row.published,
        dataset=column.published["dataset"],
        metric=column.published["metric"],
        labels_percent=column.published.get("labels", "0"),
        class_name=column.published.get("class", ""),
    )


def not_comparable(
    source: Source, block: Block | None, found: Sequence[Result], column: Column
) -> str:
    """Why a measured number must not be held against a published one; empty if it may be."""
    if block is None:
        return "nothing was measured"
    if block.phantom:
        return "phantom data"
    if source.profile != "paper":
        return f"profile `{source.profile}` is smaller than the paper's"
    for item in found:
        if (item.record.get("data") or {}).get("partial"):
            return "part of the data set is absent"
        if "phantom" in str((item.record.get("pretraining") or {}).get("data_id", "")):
            return "pre-trained on phantom data"
        recipe = item.record.get("recipe") or {}
        for name, wanted in column.paper_recipe.items():
            if recipe.get(name) != wanted:
                return f"`{name}` is `{recipe.get(name)}`, the paper's is `{wanted}`"
    return ""


def render(source: Source, block_of: Mapping[str, Block], notes: Footnotes) -> str:
    """The Markdown of one table; reasons go to the footnotes."""
    rows = entries(source, block_of)
    beside = [
        any(
            (number_ := published_number(source, entry.row, entry.form, column)) is not None
            and (number_.text or number_.status == "not_found")
            for entry in rows
        )
        for column in source.layout.columns
    ]
    headers = ["Method", *(["Form"] if source.layout.forms else []), "Seeds"]
    for column, has_published in zip(source.layout.columns, beside, strict=True):
        headers.append(column.title)
        if has_published:
            headers.append(f"{column.title}, published")
    body = []
    for entry in rows:
        line = [_name(entry.row)]
        if source.layout.forms:
            line.append(DASH if entry.row.role in ("prior", "sentinel") else entry.form.title)
        line.append(seeds_text(_all_seeds(entry)))
        for column, cell, has in zip(source.layout.columns, entry.cells, beside, strict=True):
            line.append(cell_text(cell, column, notes))
            if has:
                line.append(_published_text(source, entry, column, cell, block_of, notes))
        body.append(line)
    return table(headers, body)


def _name(row: Row) -> str:
    return row.title if row.role == "method" else f"*{row.title}* ({row.role})"


def _all_seeds(entry: Entry) -> dict[str, tuple[int, ...]]:
    merged: dict[str, set[int]] = {}
    for cell in entry.cells:
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


def _published_text(
    source: Source,
    entry: Entry,
    column: Column,
    cell: Measured,
    block_of: Mapping[str, Block],
    notes: Footnotes,
) -> str:
    """`91.5 (text), −0.3`: the printed number, its status, and measured minus printed."""
    item = published_number(source, entry.row, entry.form, column)
    if item is None:
        return ""
    if item.status not in SHOWN:
        return item.status.replace("_", " ")
    value = source.join.in_our_unit(item)
    assert value is not None
    text = f"{number(value, column.format)} ({item.status})"
    if cell.value is None:
        return text
    block = block_of.get(column.task)
    found: Sequence[Result] = ()
    if block is not None:
        found = picked(source.results, entry.group, block, column.labels)
    reason = not_comparable(source, block, found, column)
    if reason:
        return text + notes.mark(f"No difference is shown: {reason}.")
    difference = number(cell.value - value, column.format)
    sign = "" if difference.startswith(("−", "+")) else "+"
    return f"{text}, {sign}{difference}"
