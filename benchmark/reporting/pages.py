"""A layout and the records as a `TablePage`: the current data first, other data below."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from benchmark.reporting.extras import extra_sheets
from benchmark.reporting.grid import main_sheets
from benchmark.reporting.header import data_line, header_lines, leak_lines, mixed_lines
from benchmark.reporting.listing import listing_sheet
from benchmark.reporting.model import DataLevel, TablePage
from benchmark.reporting.remarks import remarks
from benchmark.reporting.select import blocks
from benchmark.reporting.sentinels import sentinel_faults

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmark.reporting.model import Sheet
    from benchmark.reporting.published import PublishedNumber
    from benchmark.reporting.select import Block
    from benchmark.reporting.source import Source


def page_of(
    source: Source,
    listed: Sequence[PublishedNumber],
    planned: Sequence[Any],
    command: str,
) -> TablePage:
    """One layout as data.

    Args:
        source: What the table is made of.
        listed: Published numbers that the layout's listings show.
        planned: `PlannedCell`s whose data come first.
        command: How to make the table again.
    """
    layout = source.layout
    by_task = blocks(layout, source.results, planned)
    depth = max((len(items) for items in by_task.values()), default=0)
    levels = [
        {task: items[level] for task, items in by_task.items() if level < len(items)}
        for level in range(max(1, depth))
    ]
    current = levels[0]
    phantom = any(block.phantom for block in current.values())
    used = [item for item in source.results if item.block in set(current.values())]
    sheets = [
        *main_sheets(source, current),
        *extra_sheets(source, current),
        *(listing_sheet(listing, listed) for listing in layout.listings),
    ]
    return TablePage(
        name=layout.name,
        title=layout.title,
        paper=layout.paper,
        paper_table=layout.paper_table,
        suite=layout.suite,
        profile=source.profile,
        command=command,
        phantom=phantom,
        header=tuple(header_lines(source, current, used, command)),
        warnings=(
            *leak_lines(current.values(), source.results),
            *mixed_lines(source.layout, used),
        ),
        sheets=tuple(sheets),
        notes=tuple(remarks(source, sheets, phantom)),
        faults=tuple(sentinel_faults(layout, source.results, current)),
        others=tuple(_level(source, level) for level in levels[1:]),
    )


def _level(source: Source, level: Mapping[str, Block]) -> DataLevel:
    """The same table on other data or another variant."""
    columns = tuple(column for column in source.layout.columns if column.task in level)
    layout = dataclasses.replace(source.layout, columns=columns)
    other = dataclasses.replace(source, layout=layout)
    sheets: list[Sheet] = main_sheets(other, level)
    return DataLevel(
        header=(
            *(data_line(block) for block in level.values()),
            *leak_lines(level.values(), source.results),
        ),
        sheets=tuple(sheets),
        faults=tuple(sentinel_faults(layout, source.results, level)),
        phantom=any(block.phantom for block in level.values()),
    )
