"""Gathers the report: tables, a page for each record, comparisons, figures, and their places."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from benchmark import __version__, registry
from benchmark.records import all_records
from benchmark.reporting.report.grids import Link
from benchmark.reporting.report.index import (
    commits_grid,
    data_grid,
    records_grid,
    suites_grid,
    tables_grid,
)
from benchmark.reporting.report.markup import slug
from benchmark.reporting.report.model import FigureView, Report, SuiteView, TableView
from benchmark.reporting.report.names import Names
from benchmark.reporting.report.pages import distinct, page_cells, page_sheets, table_view, total
from benchmark.reporting.report.pairs import Compare, comparisons
from benchmark.reporting.report.record_pages import Places, record_view, seeds_of_one
from benchmark.reporting.select import Result, results_of

if TYPE_CHECKING:
    from pathlib import Path

    from benchmark.reporting.model import TablePage
    from benchmark.reporting.report.pictures import Pictures

Pages = Mapping[str, Sequence["TablePage"]]


@dataclass(frozen=True)
class Parts:
    """What else enters the report, made by others.

    Attributes:
        comparer: Makes the function that compares two methods (`pairs.comparisons`); None
            leaves the comparisons out.
        figures: Already drawn.
        figure_notes: Why figures are absent, a line each.
        pictures: Images of single samples, where they are asked for.
    """

    comparer: Callable[[], Compare] | None = None
    figures: tuple[FigureView, ...] = ()
    figure_notes: tuple[str, ...] = ()
    pictures: Pictures | None = None


def load_records(results: Path, profile: str) -> list[Result]:
    """Every valid record of one profile, pre-training among them, sorted by folder."""
    return results_of(all_records(results, profile))


def build_report(
    pages: Pages,
    results: Sequence[Result],
    profile: str,
    *,
    titles: Mapping[str, str] | None = None,
    command: str = "",
    parts: Parts | None = None,
) -> Report:
    """The report of some suites.

    Args:
        pages: Table pages by suite, in the order shown.
        results: Records that get a page of their own; see `of_pages`.
        profile: Of all records.
        titles: Of the suites, by name.
        command: How to make the report again.
        parts: Comparisons, figures and images.
    """
    parts = parts or Parts()
    names = Names(results)
    pages = names.in_pages(pages)
    figures = names.in_figures(parts.figures)
    by_key = {item.cell["key"]: item for item in results}
    listed = distinct(pages)
    places = Places(
        _anchors(by_key),
        _tables_of(listed),
        _figures_of(figures),
        _headlines(results),
        {key: seeds_of_one(item) for key, item in by_key.items()},
    )
    tables = tuple(table_view(page, anchor, suites, places.link) for page, anchor, suites in listed)
    suites = tuple(
        _suite(name, (titles or {}).get(name, name), tables, pages[name]) for name in pages
    )
    records = tuple(record_view(item, places) for item in by_key.values())
    if parts.pictures is not None:
        records = tuple(
            replace(view, worst=parts.pictures.added(view.worst, by_key[view.key]))
            for view in records
        )
    every_page = [page for page, _, _ in listed]
    shown = list(by_key.values())
    return Report(
        title="maco-bench report",
        profile=profile,
        command=command,
        version=__version__,
        phantom=any(table.phantom for table in tables) or any(view.phantom for view in records),
        suites=suites,
        tables=tables,
        records=records,
        overview=(suites_grid(suites), tables_grid(tables), data_grid(shown), commits_grid(shown)),
        index=records_grid(shown, places),
        comparisons=comparisons(every_page, by_key, parts.comparer),
        figures=figures,
        figure_notes=parts.figure_notes,
        images=parts.pictures.summary() if parts.pictures is not None else "",
    )


def of_pages(results: Sequence[Result], pages: Pages) -> list[Result]:
    """The records that the pages speak of, and the pre-trainings behind them.

    A record belongs where its task heads a column, or where a cell names it.
    """
    every_page = [page for its_pages in pages.values() for page in its_pages]
    keys = keys_of(every_page)
    tasks = {
        head.task for page in every_page for sheet in page_sheets(page) for head in sheet.heads
    }
    chosen = {
        item.cell["key"]
        for item in results
        if item.cell["key"] in keys or item.cell["task"] in tasks
    }
    by_key = {item.cell["key"]: item for item in results}
    waiting = list(chosen)
    while waiting:
        source = str(by_key[waiting.pop()].cell.get("depends_on") or "")
        if source in by_key and source not in chosen:
            chosen.add(source)
            waiting.append(source)
    return [item for item in results if item.cell["key"] in chosen]


def has_records(pages: Iterable[TablePage]) -> bool:
    """Whether any cell of some pages stands on a record."""
    return bool(keys_of(pages))


def keys_of(pages: Iterable[TablePage]) -> set[str]:
    """The keys of all records that cells of some pages stand on."""
    return {key for page in pages for cell in page_cells(page) for key in cell.keys}


def _anchors(by_key: Mapping[str, Result]) -> dict[str, str]:
    """`cell-` and the first eight letters of the key; more letters where two would be equal."""
    anchors: dict[str, str] = {}
    taken: set[str] = set()
    for key in by_key:
        length = 8
        while (anchor := f"cell-{slug(key[:length])}") in taken and length < len(key):
            length += 4
        while anchor in taken:
            anchor += "x"
        taken.add(anchor)
        anchors[key] = anchor
    return anchors


def _tables_of(
    listed: Sequence[tuple[TablePage, str, tuple[str, ...]]],
) -> dict[str, tuple[Link, ...]]:
    found: dict[str, dict[Link, None]] = defaultdict(dict)
    for page, anchor, _ in listed:
        text = f"{page.paper_table} of {page.paper}" if page.paper_table else page.title
        for cell in page_cells(page):
            for key in cell.keys:
                found[key][Link(text, anchor)] = None
    return {key: tuple(links) for key, links in found.items()}


def _figures_of(figures: Sequence[FigureView]) -> dict[str, tuple[Link, ...]]:
    found: dict[str, list[Link]] = defaultdict(list)
    for figure in figures:
        for key in figure.keys:
            found[key].append(Link(figure.title, figure.anchor))
    return {key: tuple(links) for key, links in found.items()}


def _headlines(results: Sequence[Result]) -> dict[str, str]:
    """The first metric of each task; of a task that this version lacks, the first by name."""
    known = set(registry.task_names())
    found: dict[str, str] = {}
    for item in results:
        task = item.cell["task"]
        if task not in found and item.record["metrics"]:
            named = registry.load_task(task).headline if task in known else ""
            found[task] = named or min(item.record["metrics"])
    return found


def _suite(
    name: str, title: str, tables: Sequence[TableView], pages: Sequence[TablePage]
) -> SuiteView:
    own = tuple(table for table in tables if name in table.suites)
    return SuiteView(name, title, own, len(keys_of(pages)), total(table.counts for table in own))
