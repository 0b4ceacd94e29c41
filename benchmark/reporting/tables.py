"""Markdown tables of a suite, from records alone: no torch, no data set, no network.

The same records give the same bytes: rows and columns have a fixed order and nothing of the
clock enters.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from benchmark.records import write_atomically
from benchmark.registry import CHECKOUT
from benchmark.reporting.corpora import of_corpus, suite_corpus
from benchmark.reporting.extras import extra_sections
from benchmark.reporting.grid import Source, entries, render
from benchmark.reporting.header import data_line, header_lines
from benchmark.reporting.layout import TableLayout, read_layouts, suite_tables
from benchmark.reporting.markdown import Footnotes, bullets, document
from benchmark.reporting.published import read_csv, read_join
from benchmark.reporting.select import Block, blocks, load_results
from benchmark.reporting.sentinels import sentinel_faults
from benchmark.reporting.states import states_from

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

LEADERBOARDS = CHECKOUT / "leaderboards"
GENERATED = "Generated from records. Do not edit: changes are lost at the next run."


def write_tables(
    suite: str,
    results: Path,
    out: Path,
    profile: str,
    *,
    tables: Sequence[str] | None = None,
    planned: Sequence[Any] | None = None,
    corpus: str = "",
    leaderboards: Path = LEADERBOARDS,
    command: str = "",
) -> list[Path]:
    """Write one Markdown file for each table of a suite.

    Args:
        suite: The suite's name.
        results: Folder of the records, `results/<profile>/...`.
        out: Folder that the files are written to.
        profile: Only records of this profile enter.
        tables: Names of layouts; those that the suite lists where None.
        planned: `PlannedCell`s that explain absent records; optional.
        corpus: Only weights that were pre-trained on this data set enter; empty is that of the
            suite, without one that of each table's own suite.
        leaderboards: Folder with `tables/` and `published/`.
        command: How to make the tables again, for the header.

    Returns:
        The files, in the order of the tables.

    Raises:
        UsageError: An unknown suite or table.
    """
    names = suite_tables(leaderboards, suite) if tables is None else tables
    layouts = read_layouts(leaderboards, names)
    found = load_results(results, profile)
    join = read_join(leaderboards / "published" / "join.toml")
    corpus = corpus or suite_corpus(leaderboards, suite)
    command = command or f"maco-bench tables --suite {suite} --profile {profile}"
    written = []
    for layout in layouts:
        numbers = [
            number
            for stem in layout.published
            for number in read_csv(leaderboards / "published" / f"{stem}.csv")
        ]
        own = suite_corpus(leaderboards, layout.suite)
        shown, left_out = of_corpus(found, corpus or own)
        state_of = states_from(results, profile, planned or (), corpus or own)
        source = Source(layout, shown, numbers, join, profile, state_of, own, left_out)
        path = out / f"{layout.name}.md"
        write_atomically(path, table_page(source, planned or (), command).encode())
        written.append(path)
        details = details_page(source, planned or (), command)
        if details:
            path = out / f"{layout.name}_details.md"
            write_atomically(path, details.encode())
            written.append(path)
    return written


def table_page(source: Source, planned: Sequence[Any], command: str) -> str:
    """The Markdown of one layout: the current data first, other data and variants below."""
    layout = source.layout
    by_task = blocks(layout, source.results, planned)
    depth = max((len(items) for items in by_task.values()), default=0)
    levels = [
        {task: items[level] for task, items in by_task.items() if level < len(items)}
        for level in range(max(1, depth))
    ]
    current = levels[0]
    phantom = any(block.phantom for block in current.values())
    faults = sentinel_faults(layout, source.results, current)
    used = [item for item in source.results if item.block in set(current.values())]
    notes = Footnotes()
    body = render(source, current, notes)
    beside = extra_sections(source, current, "page")
    parts = [
        _title(layout, phantom, bool(faults)),
        f"<!-- {GENERATED} Command: {command} -->",
        bullets(header_lines(source, current, used, command)),
        "**Broken: sentinels fail.** " + "; ".join(faults) + "." if faults else "",
        body,
        "\n".join(notes.lines()),
        *beside,
        "## Remarks" if beside else "",
        bullets(_remarks(source, current, phantom)),
    ]
    for level in levels[1:]:
        parts += _older(source, level)
    return document(parts)


def details_page(source: Source, planned: Sequence[Any], command: str) -> str:
    """The layout's further tables on the current data; empty where nothing feeds them."""
    by_task = blocks(source.layout, source.results, planned)
    current = {task: items[0] for task, items in by_task.items() if items}
    sections = extra_sections(source, current, "details")
    if not sections:
        return ""
    phantom = any(block.phantom for block in current.values())
    faults = sentinel_faults(source.layout, source.results, current)
    used = [item for item in source.results if item.block in set(current.values())]
    title = _title(source.layout, phantom, bool(faults))
    header = bullets(header_lines(source, current, used, command))
    note = f"<!-- {GENERATED} Command: {command} -->"
    return document([title.replace(": ", ", details: ", 1), note, header, *sections])


def _title(layout: TableLayout, phantom: bool, broken: bool) -> str:
    marks = [mark for mark, holds in (("phantom", phantom), ("BROKEN", broken)) if holds]
    suffix = f" ({', '.join(marks)})" if marks else ""
    origin = f"{layout.paper_table} of {layout.paper}: " if layout.paper_table else ""
    return f"# {origin}{layout.title}{suffix}"


def _remarks(source: Source, current: Mapping[str, Block], phantom: bool) -> list[str]:
    cells = [
        cell
        for entry in entries(source, current)
        if entry.row.role in ("method", "from scratch", "floor")
        for cell in entry.cells
        if cell.state == "value" and (cell.seeds or {}).get("pretrain")
    ]
    lines = list(source.layout.notes)
    lines.append("Brackets hold the 95 % interval of a bootstrap by patient over the test split.")
    if any(cell.pretraining_seeds == 1 for cell in cells):
        lines.append(
            "A value with one pre-training seed (`p`) speaks of that checkpoint, not of the "
            "method: its interval holds no spread between pre-training runs."
        )
    if any(_seed_sets(cell) > 1 for cell in cells):
        lines.append(
            "Where several seeds are named the value is their mean. Its interval joins the "
            "patients' error with the spread over the pre-training seeds, or over subset and "
            "head seeds where there is one pre-training seed (Student's t)."
        )
    lines.append("Seeds: `p` pre-training, `s` label subset, `h` head.")
    if phantom:
        counted = any(column.data_free for column in source.layout.columns)
        lines.append(
            "Phantom data are synthetic: no difference to a published number is shown"
            + (" but of what no data enter" if counted else "")
            + ", no value is marked as best, and no verdict on a method follows from this table."
        )
    statuses = {number.status for number in source.numbers}
    if statuses & {"text", "copied"}:
        lines.append(
            "Status of a published number: `printed` in the named table; `text`, stated in the "
            "paper's text, the table's cell not seen; `copied`, taken from another paper that "
            "prints the same row."
        )
    return lines


def _seed_sets(cell: Any) -> int:
    sizes = [len(values) for values in (cell.seeds or {}).values()]
    return max(sizes, default=0)


def _older(source: Source, level: Mapping[str, Block]) -> list[str]:
    """The same table on other data or another variant; never joined with the first."""
    columns = tuple(column for column in source.layout.columns if column.task in level)
    layout = _with_columns(source.layout, columns)
    other = dataclasses.replace(source, layout=layout)
    faults = sentinel_faults(layout, source.results, level)
    phantom = any(block.phantom for block in level.values())
    marks = [mark for mark, holds in (("phantom", phantom), ("BROKEN", faults)) if holds]
    notes = Footnotes()
    body = render(other, level, notes)
    return [
        "## Other data or variant" + (f" ({', '.join(marks)})" if marks else ""),
        bullets(data_line(block, source.results) for block in level.values()),
        "**Broken: sentinels fail.** " + "; ".join(faults) + "." if faults else "",
        body,
        "\n".join(notes.lines()),
    ]


def _with_columns(layout: TableLayout, columns: tuple[Any, ...]) -> TableLayout:
    return dataclasses.replace(layout, columns=columns)
