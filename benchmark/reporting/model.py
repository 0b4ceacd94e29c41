"""A table as data: what every writer (Markdown, CSV, LaTeX, JSON, the report) prints.

A `TablePage` is one layout made from records: a header, one or more `Sheet`s, notes. A `Sheet` is
one rectangle of `TableCell`s. Nothing here knows how it will be printed, and a writer adds no fact.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from benchmark.reporting.cells import Measured
    from benchmark.reporting.comparison import Comparison
    from benchmark.reporting.layout import Format, Role

Reproduction = Literal["reproduced", "differs", "unresolved", "not comparable", "not measured"]
Mark = Literal["", "best", "tie"]
Place = Literal["page", "details"]


@dataclass(frozen=True)
class Beside:
    """The paper's number beside a measured one.

    Attributes:
        text: As printed, or empty where no number is known.
        status: Of the published row, as `benchmark.reporting.published.STATUSES`.
        value: In the unit of our metric, or None.
        difference: Measured minus published; None where nothing is measured, or where the two
            must not be compared.
        verdict: Whether the paper's number was reproduced (`reproduction`); empty where no
            number is known, or none that our metric speaks of.
        reason: Why not comparable, or why unresolved.
    """

    text: str
    status: str
    value: float | None = None
    difference: float | None = None
    verdict: Reproduction | Literal[""] = ""
    reason: str = ""


@dataclass(frozen=True)
class TableCell:
    """One number of a sheet.

    Attributes:
        measured: Value, interval and seeds, or why there is none.
        beside: What the paper prints here; None where it prints nothing.
        mark: `best` of its column, or in a `tie` with the best; empty in phantom tables.
        keys: Keys of the records' cells behind it, sorted.
        to_best: Comparison with the best of its column; None for the best itself, and where
            nothing is marked.
    """

    measured: Measured
    beside: Beside | None = None
    mark: Mark = ""
    keys: tuple[str, ...] = ()
    to_best: Comparison | None = None


@dataclass(frozen=True)
class Head:
    """What stands above a column of cells.

    Attributes:
        title: As printed.
        form: How its numbers are printed.
        task, variant, data_id, labels: Of the cells; empty where the column mixes them.
        metric: Name of our metric, or of the per-sample array of an excess.
        higher_is_better: None where no direction is known, or for a count.
        seeds: Of all its cells, where the column is one method's; else they are a text of each
            line.
        measured: Whether anything was; False for a column of published numbers alone.
    """

    title: str
    form: Format
    task: str = ""
    variant: str = ""
    data_id: str = ""
    labels: str = ""
    metric: str = ""
    higher_is_better: bool | None = None
    seeds: str = ""
    measured: bool = True


@dataclass(frozen=True)
class Line:
    """One row of a sheet.

    Attributes:
        texts: Leading texts, one for each of the sheet's `text_heads`.
        cells: One for each of the sheet's `heads`.
        role: Of the row's baseline; empty where a row is a class or a setting.
        baseline: Name of the row's baseline; empty where there is none.
    """

    texts: tuple[str, ...]
    cells: tuple[TableCell, ...]
    role: Role | Literal[""] = ""
    baseline: str = ""


@dataclass(frozen=True)
class Sheet:
    """One rectangle: lines by heads.

    Attributes:
        title: Heading above it; empty for none.
        text_heads: Above the leading texts.
        remark: Below the heading, such as the data of a further table.
        place: `page`, or `details` for what stands on a page of its own.
    """

    title: str
    text_heads: tuple[str, ...]
    heads: tuple[Head, ...]
    lines: tuple[Line, ...]
    remark: str = ""
    place: Place = "page"


@dataclass(frozen=True)
class DataLevel:
    """The same table on other data or another variant; never joined with the first."""

    header: tuple[str, ...]
    sheets: tuple[Sheet, ...]
    faults: tuple[str, ...] = ()
    phantom: bool = False


@dataclass(frozen=True)
class TablePage:
    """One layout made from records.

    Attributes:
        name: Stem of the layout's file, and of what is written from it.
        header: Profile, data, corpora, commits of the records, command: one line each.
        warnings: What a reader must know before the first number, such as a split that leaks.
        faults: What is wrong with its sentinels; the table is broken where there is any.
        sheets: The table itself (one sheet a section), then further tables.
        notes: Sentences below it.
        others: The same table on other data.
    """

    name: str
    title: str
    paper: str
    paper_table: str
    suite: str
    profile: str
    command: str
    phantom: bool
    header: tuple[str, ...]
    sheets: tuple[Sheet, ...]
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    others: tuple[DataLevel, ...] = field(default=())
