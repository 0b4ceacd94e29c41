"""A sheet as printed text, for writers that print: a cell is `71.3 [68.9, 73.6]`.

Reasons become numbered footnotes. A column with published numbers gets a second one beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmark.reporting.beside import worth_a_column
from benchmark.reporting.cells import number, value_text

if TYPE_CHECKING:
    from benchmark.reporting.layout import Format
    from benchmark.reporting.markdown import Footnotes
    from benchmark.reporting.model import Beside, Line, Sheet, TableCell

DASH = "–"
FROM_SCRATCH_HEADING = "Without start weights"
WITHOUT_VALUE = {
    "undefined": "undefined",
    "not_run": "not run",
    "failed": "failed",
    "ambiguous": "ambiguous",
    "not_applicable": DASH,
}
SHOWN_VERDICTS = ("reproduced", "differs", "unresolved")


@dataclass(frozen=True)
class Style:
    """How a writer marks text; each takes plain text and gives its own markup."""

    plain: Callable[[str], str]
    strong: Callable[[str], str]
    emphasised: Callable[[str], str]


@dataclass(frozen=True)
class Printed:
    """Headers and rows of text, in a writer's markup."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    text_columns: int


def printed(sheet: Sheet, notes: Footnotes, style: Style) -> Printed:
    """A sheet as text.

    Args:
        sheet: What is printed.
        notes: Takes the reasons, in the order of the cells.
        style: Of the writer.
    """
    beside = [
        any(worth_a_column(line.cells[place].beside) for line in sheet.lines)
        for place in range(len(sheet.heads))
    ]
    headers = list(sheet.text_heads)
    for head, has in zip(sheet.heads, beside, strict=True):
        headers += [head.title] if head.measured else []
        headers += [f"{head.title}, published"] if has else []
    rows: list[tuple[str, ...]] = []
    if any(head.seeds for head in sheet.heads):
        rows.append(_seeds_row(sheet, beside, style))
    scratch_begins = False
    for line in sheet.lines:
        if line.role == "from scratch" and not scratch_begins:
            scratch_begins = True
            heading = style.strong(FROM_SCRATCH_HEADING)
            rows.append((heading, *[""] * (len(headers) - 1)))
        rows.append(_row(sheet, line, beside, notes, style))
    plain = tuple(style.plain(text) for text in headers)
    return Printed(plain, tuple(rows), len(sheet.text_heads))


def _seeds_row(sheet: Sheet, beside: list[bool], style: Style) -> tuple[str, ...]:
    row = ["Seeds", *[""] * (len(sheet.text_heads) - 1)]
    for head, has in zip(sheet.heads, beside, strict=True):
        row += [head.seeds] if head.measured else []
        row += [""] if has else []
    return tuple(style.plain(text) for text in row)


def _row(
    sheet: Sheet, line: Line, beside: list[bool], notes: Footnotes, style: Style
) -> tuple[str, ...]:
    row = [_name(line, style), *(style.plain(text) for text in line.texts[1:])]
    for head, cell, has in zip(sheet.heads, line.cells, beside, strict=True):
        if head.measured:
            row.append(_cell(cell, head.form, notes, style))
        if has:
            row.append(style.plain(_published(cell.beside, cell, head.form, notes)))
    return tuple(row)


def _name(line: Line, style: Style) -> str:
    title = line.texts[0]
    if line.role in ("method", "from scratch", ""):
        return style.plain(title)
    return f"{style.emphasised(title)} {style.plain(f'({line.role})')}"


def _cell(cell: TableCell, form: Format, notes: Footnotes, style: Style) -> str:
    measured = cell.measured
    if measured.state != "value":
        return style.plain(WITHOUT_VALUE[measured.state] + notes.mark(measured.reason))
    text = value_text(measured, form)
    note = style.plain(notes.mark(measured.reason))
    return (style.strong(text) if cell.mark else style.plain(text)) + note


def _published(item: Beside | None, cell: TableCell, form: Format, notes: Footnotes) -> str:
    """`91.5 (text), −0.3, reproduced`: the printed number, its status, the difference, verdict."""
    if item is None:
        return ""
    if item.value is None:
        return item.status.replace("_", " ")
    text = f"{number(item.value, form)} ({item.status})"
    if cell.measured.value is None:
        return text
    if item.difference is None:
        return text + notes.mark(f"Not comparable: {item.reason}." if item.reason else "")
    difference = number(item.difference, form)
    sign = "" if difference.startswith(("−", "+")) else "+"
    text = f"{text}, {sign}{difference}"
    if item.verdict in SHOWN_VERDICTS:
        text += f", {item.verdict}" + notes.mark(item.reason)
    return text
