"""The tables of a suite, from records alone: no torch, no data set, no network.

The same records give the same bytes: rows and columns have a fixed order and nothing of the
clock enters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmark.errors import unknown_name
from benchmark.records import write_atomically
from benchmark.registry import CHECKOUT
from benchmark.reporting.comparison import Comparer
from benchmark.reporting.corpora import of_corpus, suite_corpus
from benchmark.reporting.layout import read_layouts, suite_tables
from benchmark.reporting.pages import page_of
from benchmark.reporting.published import read_files, read_join
from benchmark.reporting.select import load_results
from benchmark.reporting.source import Source
from benchmark.reporting.states import stale_cells, states_from
from benchmark.reporting.writers import WRITERS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmark.reporting.model import TablePage
    from benchmark.reporting.select import Result

LEADERBOARDS = CHECKOUT / "leaderboards"


def table_pages(
    suite: str,
    results: Path,
    profile: str,
    *,
    tables: Sequence[str] | None = None,
    planned: Sequence[Any] | None = None,
    corpus: str = "",
    leaderboards: Path = LEADERBOARDS,
    command: str = "",
    found: Sequence[Result] | None = None,
) -> list[TablePage]:
    """The tables of a suite as data.

    Args:
        suite: The suite's name.
        results: Folder of the records, `results/<profile>/...`.
        profile: Only records of this profile enter.
        tables: Names of layouts; those that the suite lists where None.
        planned: `PlannedCell`s that explain absent records; optional.
        corpus: Only weights that were pre-trained on this data set enter; empty is that of the
            suite, without one that of each table's own suite.
        leaderboards: Folder with `tables/` and `published/`.
        command: How to make the tables again, for their footers.
        found: The records, where they have been read already.

    Returns:
        One page for each layout, in order.

    Raises:
        UsageError: An unknown suite or table.
    """
    names = suite_tables(leaderboards, suite) if tables is None else tables
    layouts = read_layouts(leaderboards, names)
    found = load_results(results, profile) if found is None else found
    published = leaderboards / "published"
    join = read_join(published / "join.toml")
    corpus = corpus or suite_corpus(leaderboards, suite)
    command = command or f"maco-bench tables --suite {suite} --profile {profile}"
    comparer = Comparer()
    pages = []
    for layout in layouts:
        own = suite_corpus(leaderboards, layout.suite)
        shown, left_out = of_corpus(found, corpus or own)
        source = Source(
            layout,
            shown,
            read_files(published, layout.published),
            join,
            profile,
            states_from(results, profile, planned or (), corpus or own),
            own,
            left_out,
            comparer,
            stale_cells(planned or ()),
        )
        listed = read_files(published, layout.listed)
        pages.append(page_of(source, listed, planned or (), command))
    return pages


def write_tables(
    suite: str,
    results: Path,
    out: Path,
    profile: str,
    *,
    formats: Sequence[str] = ("markdown",),
    **more: Any,
) -> list[Path]:
    """Write the tables of a suite.

    Args:
        suite: The suite's name.
        results: Folder of the records.
        out: Folder that the files are written to.
        profile: Only records of this profile enter.
        formats: Of `benchmark.reporting.writers.WRITERS`; each gives a file or more for each
            table.
        **more: As `table_pages`.

    Returns:
        The files, in the order of the tables.

    Raises:
        UsageError: An unknown suite, table or format.
    """
    for name in formats:
        if name not in WRITERS:
            raise unknown_name("format of a table", name, WRITERS)
    written = []
    for page in table_pages(suite, results, profile, **more):
        for name in formats:
            for file, content in WRITERS[name](page).items():
                write_atomically(out / file, content.encode())
                written.append(out / file)
    return written
