"""A sheet of a table as a grid: value, published number and difference in columns of their own."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from benchmark.reporting.cells import number, spread_text
from benchmark.reporting.report.grids import Column, ColumnGroup, Grid, GridCell, GridRow, Link
from benchmark.reporting.report.notes import Footnotes, sentence

if TYPE_CHECKING:
    from benchmark.reporting.cells import Measured
    from benchmark.reporting.layout import Format
    from benchmark.reporting.model import Beside, Head, Line, Sheet, TableCell

DASH = "–"
NO_VALUE = {
    "undefined": "undefined",
    "not_run": "not run",
    "failed": "failed",
    "not_applicable": DASH,
    "ambiguous": "ambiguous",
}
# Verdicts that a cell itself shows already: it is empty, or the published column says it.
SELF_EVIDENT = ("", "not measured")
_NUMBER = re.compile(r"([+−-]?\d[\d,]*(?:\.\d+)?)(?: ?%| [A-Za-z]+)?")
LinkOf = Callable[[str], Link | None]


@dataclass(frozen=True)
class _Parts:
    """What one head becomes."""

    measured: bool
    published: bool
    difference: bool

    @property
    def columns(self) -> int:
        """How many columns there are."""
        return self.measured + self.published + self.difference


def sheet_grid(sheet: Sheet, anchor: str, link_of: LinkOf) -> Grid:
    """One sheet as a grid.

    Args:
        sheet: With texts and cells.
        anchor: Id of the grid's element.
        link_of: Place of the record with a key; None where the report has no page of it.
    """
    common = _common_reason(sheet)
    parts = [_parts(sheet, place, common) for place in range(len(sheet.heads))]
    notes = Footnotes()
    rows = []
    previous = None
    for line in sheet.lines:
        cells = [GridCell(text, sort=leading_number(text)) for text in line.texts]
        for head, cell, part in zip(sheet.heads, line.cells, parts, strict=True):
            cells += _cells(head, cell, part, common, notes, link_of)
        begins = previous is not None and previous != line.role
        rows.append(GridRow(tuple(cells), line.role, _tag(line), begins))
        previous = line.role
    remark = sheet.remark
    if common:
        remark = f"{remark} No difference to a published number is shown: {common}.".strip()
    return Grid(
        anchor=anchor,
        title=sheet.title,
        remark=remark,
        groups=_groups(sheet, parts),
        rows=tuple(rows),
        footnotes=notes.texts(),
        roles=tuple(dict.fromkeys(line.role for line in sheet.lines if line.role)),
        foldable=sheet.place == "details",
    )


def _tag(line: Line) -> str:
    """The role behind a name, where the name does not say it already."""
    if line.role in ("", "method"):
        return ""
    return "" if line.texts and f"({line.role})" in line.texts[0] else line.role


def _common_reason(sheet: Sheet) -> str:
    """The one reason why a sheet shows no difference; empty where there are several or none."""
    besides = [cell.beside for line in sheet.lines for cell in line.cells if cell.beside]
    if any(item.difference is not None for item in besides):
        return ""
    reasons = [item.reason for item in besides if item.verdict not in SELF_EVIDENT]
    return reasons[0] if len(set(reasons)) == 1 else ""


def _parts(sheet: Sheet, place: int, common: str) -> _Parts:
    besides = [line.cells[place].beside for line in sheet.lines]
    known = [item for item in besides if item is not None]
    published = any(item.text or item.status == "not_found" for item in known)
    return _Parts(
        measured=sheet.heads[place].measured or not published,
        published=published,
        difference=any(
            item.difference is not None or (item.verdict not in SELF_EVIDENT and not common)
            for item in known
        ),
    )


def leading_number(text: str) -> float | None:
    """The number of a text that is a number with or without a unit; None for any other."""
    match = _NUMBER.fullmatch(text.strip())
    return float(match.group(1).replace(",", "").replace("−", "-")) if match else None


def _numeric(sheet: Sheet, place: int) -> bool:
    texts = [line.texts[place] for line in sheet.lines if line.texts[place]]
    return any(texts) and all(leading_number(text) is not None for text in texts)


def _groups(sheet: Sheet, parts: list[_Parts]) -> tuple[ColumnGroup, ...]:
    groups = [
        ColumnGroup((Column(title, "number" if _numeric(sheet, place) else "text"),))
        for place, title in enumerate(sheet.text_heads)
    ]
    for head, part in zip(sheet.heads, parts, strict=True):
        best_first = head.higher_is_better is not False
        if part.columns == 1 and part.measured:
            column = Column(head.title, "number", best_first, head.seeds)
            groups.append(ColumnGroup((column,)))
            continue
        columns = []
        if part.measured:
            columns.append(Column("measured", "number", best_first))
        if part.published:
            columns.append(Column("published", "number", best_first))
        if part.difference:
            columns.append(Column("difference", "number", True))
        groups.append(ColumnGroup(tuple(columns), head.title, head.seeds))
    return tuple(groups)


def _cells(
    head: Head,
    cell: TableCell,
    part: _Parts,
    common: str,
    notes: Footnotes,
    link_of: LinkOf,
) -> list[GridCell]:
    cells = []
    if part.measured:
        links = _told_apart([link for key in cell.keys if (link := link_of(key)) is not None])
        cells.append(measured_cell(cell.measured, head.form, notes, links, cell.mark))
    if part.published:
        cells.append(_published(cell.beside, head.form))
    if part.difference:
        cells.append(_difference(cell.beside, head.form, common, notes))
    return cells


def _told_apart(links: Sequence[Link]) -> tuple[Link, ...]:
    """Links of several records named by the seeds in which they differ."""
    parts = [link.text.split() for link in links]
    shared = set.intersection(*map(set, parts)) if len(links) > 1 else set()
    names = [" ".join(part for part in own if part not in shared) for own in parts]
    told = [replace(link, text=name or link.text) for link, name in zip(links, names, strict=True)]
    return tuple(sorted(told, key=lambda link: (len(link.text), link.text, link.anchor)))


def measured_cell(
    measured: Measured,
    form: Format,
    notes: Footnotes,
    links: tuple[Link, ...] = (),
    mark: str = "",
) -> GridCell:
    """A value with its interval and its spread below, or the word for why there is none."""
    marks = notes.mark(sentence(measured.reason))
    if measured.state != "value" or measured.value is None:
        return GridCell(NO_VALUE[measured.state], links=links, tone="none", notes=marks)
    details = [interval_text(measured.interval, form)]
    if measured.spread:
        details.append(spread_text(measured.spread, form))
    details.append(measured.verdict)
    return GridCell(
        text=number(measured.value, form),
        detail=" ".join(part for part in details if part),
        sort=measured.value,
        links=links,
        mark=mark,
        notes=marks,
    )


def interval_text(interval: tuple[float, float] | None, form: Format) -> str:
    """`[68.9, 73.6]`, or nothing."""
    if interval is None:
        return ""
    low, high = (number(bound, form) for bound in interval)
    return f"[{low}, {high}]"


def _published(beside: Beside | None, form: Format) -> GridCell:
    if beside is None:
        return GridCell("", tone="none")
    status = beside.status.replace("_", " ")
    if not beside.text:
        return GridCell(status, tone="none")
    text = beside.text if beside.value is None else number(beside.value, form)
    return GridCell(text, status, sort=beside.value)


def _difference(beside: Beside | None, form: Format, common: str, notes: Footnotes) -> GridCell:
    if beside is None or (beside.verdict in SELF_EVIDENT and beside.difference is None):
        return GridCell("", tone="none")
    reason = "" if beside.reason == common else sentence(beside.reason)
    tone = beside.verdict.replace(" ", "-")
    if beside.difference is None:
        return GridCell(DASH, beside.verdict, tone=tone or "none", notes=notes.mark(reason))
    return GridCell(
        text=signed(beside.difference, form),
        detail=beside.verdict,
        sort=beside.difference,
        tone=tone,
        notes=notes.mark(reason),
    )


def signed(value: float, form: Format) -> str:
    """A difference with its sign."""
    text = number(value, form)
    return text if text.startswith(("−", "+")) else f"+{text}"
