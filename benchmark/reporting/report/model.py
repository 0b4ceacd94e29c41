"""The report as data: what the templates lay out. Texts may hold inline Markdown, never HTML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmark.reporting.report.grids import Grid, Link


@dataclass(frozen=True)
class Fact:
    """A named value, or a name over further facts or a small table."""

    name: str
    text: str = ""
    children: tuple[Fact, ...] = ()
    grid: Grid | None = None
    link: Link | None = None


@dataclass(frozen=True)
class FactSection:
    """Facts under one heading of a record's page."""

    title: str
    facts: tuple[Fact, ...]
    remark: str = ""


@dataclass(frozen=True)
class TableLevel:
    """A table's grids on one state of its data."""

    header: tuple[str, ...]
    faults: tuple[str, ...]
    phantom: bool
    grids: tuple[Grid, ...]


@dataclass(frozen=True)
class TableView:
    """One table of a paper.

    Attributes:
        warnings: What a reader must know before the first number.
        short: Such as `Table 5`, for the list of contents.
        counts: Number of published cells by verdict.
        measured: Number of cells with a value.
        levels: The current data first.
    """

    anchor: str
    name: str
    short: str
    title: str
    paper: str
    suites: tuple[str, ...]
    command: str
    counts: Mapping[str, int]
    measured: int
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    levels: tuple[TableLevel, ...]

    @property
    def phantom(self) -> bool:
        """Whether any of its data are synthetic."""
        return any(level.phantom for level in self.levels)

    @property
    def broken(self) -> bool:
        """Whether a sentinel fails."""
        return any(level.faults for level in self.levels)


@dataclass(frozen=True)
class SuiteView:
    """One suite with its tables, and the sum of their verdicts."""

    name: str
    title: str
    tables: tuple[TableView, ...]
    records: int
    counts: Mapping[str, int]

    @property
    def broken(self) -> tuple[TableView, ...]:
        """Tables whose sentinels fail."""
        return tuple(table for table in self.tables if table.broken)

    @property
    def phantom(self) -> bool:
        """Whether any of its tables has synthetic data."""
        return any(table.phantom for table in self.tables)


@dataclass(frozen=True)
class Picture:
    """One embedded image with its words."""

    uri: str
    caption: str
    alternative: str


@dataclass(frozen=True)
class WorstCases:
    """Test samples that a record gets most wrong.

    Attributes:
        rule: How they were chosen.
        samples: Their ids, the worst first, each once.
        grid: None where there is none, and `why` then says the reason.
    """

    rule: str
    samples: tuple[str, ...] = ()
    grid: Grid | None = None
    why: str = ""
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True)
class RecordView:
    """One cell's page."""

    anchor: str
    key: str
    task: str
    variant: str
    baseline: str
    setting: str
    kind: str
    phantom: bool
    leak: str
    tables: tuple[Link, ...]
    figures: tuple[Link, ...]
    summary: tuple[Fact, ...]
    metrics: tuple[Grid, ...]
    sections: tuple[FactSection, ...]
    worst: WorstCases | None = None


@dataclass(frozen=True)
class FigureView:
    """One figure of the suites; `keys` are those of the records in it."""

    anchor: str
    title: str
    picture: Picture
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparisons:
    """All pairs of methods that a block allows.

    Attributes:
        data: Plain data for the page's script; see `pairs.comparison_data`.
        grids: The same as tables, for a page without scripts.
        absent: Why there is none, where there is none.
    """

    data: Mapping[str, Any] = field(default_factory=dict)
    grids: tuple[Grid, ...] = ()
    absent: str = ""


@dataclass(frozen=True)
class Report:
    """The whole page."""

    title: str
    profile: str
    command: str
    version: str
    phantom: bool
    suites: tuple[SuiteView, ...]
    tables: tuple[TableView, ...]
    records: tuple[RecordView, ...]
    overview: tuple[Grid, ...]
    index: Grid
    comparisons: Comparisons
    figures: tuple[FigureView, ...] = ()
    figure_notes: tuple[str, ...] = ()
    images: str = ""
