"""Makes the report of a results folder from its records, tables and figures."""

from __future__ import annotations

import tempfile
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark import registry
from benchmark.errors import UsageError
from benchmark.reporting.comparison import Comparer
from benchmark.reporting.layout import read_layouts, suite_tables
from benchmark.reporting.report.build import (
    Pages,
    Parts,
    build_report,
    has_records,
    keys_of,
    load_records,
    of_pages,
)
from benchmark.reporting.report.figure_views import figure_views
from benchmark.reporting.report.pictures import Pictures, Watched
from benchmark.reporting.tables import LEADERBOARDS, table_pages

if TYPE_CHECKING:
    from benchmark.reporting.figures.images import Radiographs
    from benchmark.reporting.figures.model import SkippedFigure
    from benchmark.reporting.model import TablePage
    from benchmark.reporting.report.model import FigureView, Report
    from benchmark.reporting.select import Result

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Asked:
    """What the report is asked to hold.

    Attributes:
        suites: Names; empty takes every suite with a record.
        corpus: As `tables.table_pages`.
        command: How to make the report again, for its footer.
        figures: Whether figures are drawn.
        comparisons: Whether methods are compared.
        images: Gives radiographs and phrases; None shows none.
        leaderboards: Folder with `tables/`, `published/` and `suites/`.
    """

    suites: tuple[str, ...] = ()
    corpus: str = ""
    command: str = ""
    figures: bool = True
    comparisons: bool = True
    images: Radiographs | None = None
    leaderboards: Path = LEADERBOARDS


def _silent(stage: str, done: int, total: int) -> None:
    """Tells nobody."""


def make_report(results: Path, profile: str, asked: Asked, tell: Tell = _silent) -> Report:
    """The report of one profile's records.

    Args:
        results: The results folder.
        profile: Only its records enter.
        asked: What the report holds.
        tell: Told of every stage: its name, how much is done, and of how much.

    Raises:
        UsageError: There is no record, or an unknown suite.
        MissingDataError: Images are asked for and the data are not there.
    """
    found = load_records(results, profile)
    evaluations = [item for item in found if item.cell["kind"] == "evaluate"]
    if not evaluations:
        raise UsageError(
            f"There is no record of profile `{profile}`.",
            looked_in=[results / profile],
            remedy="Run a suite first (run_all.py), or name --results and --profile.",
        )
    pages = _pages(results, profile, evaluations, asked, tell)
    shown = of_pages(found, pages) if asked.suites else found
    suite = leading_suite(pages, evaluations)
    watched = None if asked.images is None else Watched(asked.images)
    asked = replace(asked, images=watched)
    figures, absent = _figures(results, profile, shown, asked, suite, tell)
    tell("report", 0, 1)
    report = build_report(
        pages,
        shown,
        profile,
        titles={name: _title(name, asked.leaderboards) for name in pages},
        command=asked.command,
        parts=Parts(
            comparer=(lambda: Comparer().compare) if asked.comparisons else None,
            figures=figures,
            figure_notes=absent,
            pictures=Pictures(watched) if watched is not None else None,
        ),
    )
    tell("report", 1, 1)
    return report


def _pages(
    results: Path, profile: str, evaluations: Sequence[Result], asked: Asked, tell: Tell
) -> Mapping[str, list[TablePage]]:
    """The pages of each suite; without names, of the suites that any record belongs to."""
    names = asked.suites or _fed_suites(evaluations, asked.leaderboards)
    pages = {}
    for place, name in enumerate(names):
        tell("tables", place, len(names))
        made = table_pages(
            name,
            results,
            profile,
            corpus=asked.corpus,
            leaderboards=asked.leaderboards,
            found=evaluations,
        )
        if asked.suites or has_records(made):
            pages[name] = made
    tell("tables", len(names), len(names))
    return pages


def _title(suite: str, leaderboards: Path) -> str:
    path = leaderboards / "suites" / f"{suite}.toml"
    return str(tomllib.loads(path.read_text(encoding="utf-8")).get("title", suite))


def _fed_suites(evaluations: Sequence[Result], leaderboards: Path) -> list[str]:
    """Suites with a table for a task that has a record."""
    tasks = {item.cell["task"] for item in evaluations}
    names = sorted(path.stem for path in (leaderboards / "suites").glob("*.toml"))
    return [
        name
        for name in names
        if any(
            tasks & set(layout.tasks)
            for layout in read_layouts(leaderboards, suite_tables(leaderboards, name))
        )
    ]


def leading_suite(pages: Pages, evaluations: Sequence[Result]) -> str:
    """The suite whose own method stands first in the figures and chooses their pictures.

    Of several suites it is the one with the most records, among those whose own method has one.

    Args:
        pages: Of each suite, by its name.
        evaluations: Evaluation records.

    Returns:
        Its name; empty where no suite's own method has a record.
    """
    from benchmark.reporting.figures.methods import own_method

    names = registry.suite_names()
    known = [name for name in pages if name in names]
    with_record = {item.cell["baseline"] for item in evaluations}
    led = [name for name in known if len(known) == 1 or own_method(name) in with_record]
    return max(led, key=lambda name: len(keys_of(pages[name])), default="")


def _figures(
    results: Path, profile: str, shown: Sequence[Result], asked: Asked, suite: str, tell: Tell
) -> tuple[tuple[FigureView, ...], tuple[str, ...]]:
    """What the records feed, and a line for each that they do not."""
    if not asked.figures:
        return (), ()
    from benchmark.reporting.figures import make_figures

    skipped: list[SkippedFigure] = []
    tell("figures", 0, 1)
    with tempfile.TemporaryDirectory() as folder:
        made = make_figures(
            [item for item in shown if item.cell["kind"] == "evaluate"],
            results,
            profile,
            out=Path(folder),
            suite=suite,
            images=asked.images,
            lenient=True,
            formats=("svg",),
            leaderboards=asked.leaderboards,
            on_skipped=skipped.append,
        )
        views = figure_views(made)
    tell("figures", 1, 1)
    return views, tuple(dict.fromkeys(map(str, skipped)))
