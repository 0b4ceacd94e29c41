"""A rectangular table of the report as data: columns under heads, rows of cells, footnotes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

ColumnKind = Literal["text", "number"]
LONGEST_LINE = 44
"""Characters of a cell's text that is not broken into lines."""


@dataclass(frozen=True)
class Link:
    """A place in the report.

    Attributes:
        anchor: Id of an element of the page, without `#`.
    """

    text: str
    anchor: str


@dataclass(frozen=True)
class Column:
    """One column of a grid.

    Attributes:
        kind: Sorted by the cells' numbers, or by their texts.
        descending: Whether the first click puts the highest number first.
        detail: Below the title, smaller, such as the seeds of the whole column.
    """

    title: str
    kind: ColumnKind = "text"
    descending: bool = False
    detail: str = ""


@dataclass(frozen=True)
class ColumnGroup:
    """Columns below one heading; a single column without a heading where `title` is empty."""

    columns: tuple[Column, ...]
    title: str = ""
    detail: str = ""


@dataclass(frozen=True)
class HeadPlace:
    """One place of a grid's head.

    Attributes:
        column: None for a heading over several columns.
        index: Of the column in the body's rows.
        wide, high: Columns and rows that the place takes.
        leads: First column below a common heading.
    """

    title: str
    column: Column | None = None
    index: int = 0
    wide: int = 1
    high: int = 1
    leads: bool = False
    detail: str = ""


@dataclass(frozen=True)
class GridCell:
    """One place of a grid.

    Attributes:
        text: First line.
        detail: Second line, smaller: an interval, a status, a verdict.
        sort: What the column is sorted by; None stands last.
        links: To the records behind the cell; with one the text itself is the link.
        mark: `best` or `tie`.
        tone: Name of a style: a verdict, or `none` for a cell without a value.
        notes: Numbers of the grid's footnotes.
    """

    text: str
    detail: str = ""
    sort: float | None = None
    links: tuple[Link, ...] = ()
    mark: str = ""
    tone: str = ""
    notes: tuple[int, ...] = ()

    @property
    def long(self) -> bool:
        """Whether the text is broken into lines rather than widen its column."""
        return max(len(self.text), len(self.detail)) > LONGEST_LINE


@dataclass(frozen=True)
class GridRow:
    """One line; `role` is what the reader may filter by, `tag` the role as printed."""

    cells: tuple[GridCell, ...]
    role: str = ""
    tag: str = ""
    begins: bool = False


@dataclass(frozen=True)
class Grid:
    """One rectangular table of the report.

    Attributes:
        anchor: Id of its element.
        roles: Roles of its rows, in order; filters are offered for two and more.
        footnotes: Number 1 first.
        foldable: Shown as a closed fold under its title.
    """

    anchor: str
    title: str
    groups: tuple[ColumnGroup, ...]
    rows: tuple[GridRow, ...]
    remark: str = ""
    footnotes: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    foldable: bool = False

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns, in order."""
        return tuple(column for group in self.groups for column in group.columns)

    @property
    def head_rows(self) -> tuple[tuple[HeadPlace, ...], ...]:
        """The head's one or two rows."""
        high = 2 if any(group.title for group in self.groups) else 1
        upper: list[HeadPlace] = []
        lower: list[HeadPlace] = []
        index = 0
        for group in self.groups:
            if group.title:
                upper.append(HeadPlace(group.title, wide=len(group.columns), detail=group.detail))
            for place, column in enumerate(group.columns):
                found = HeadPlace(column.title, column, index, detail=column.detail)
                if group.title:
                    lower.append(replace(found, leads=place == 0))
                else:
                    upper.append(replace(found, high=high))
                index += 1
        return (tuple(upper), tuple(lower)) if lower else (tuple(upper),)

    @property
    def leading(self) -> frozenset[int]:
        """Indices of columns that begin a group."""
        return frozenset(place.index for row in self.head_rows for place in row if place.leads)
