"""What one table is made of: its layout, the records that it may show, and published numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from benchmark.reporting.cells import Measured
from benchmark.reporting.comparison import Comparer
from benchmark.reporting.join import Join
from benchmark.reporting.layout import Column, TableLayout
from benchmark.reporting.published import PublishedNumber
from benchmark.reporting.select import Block, Group, Result

STALE = "stale: made with other settings or versions than the plan's; --refresh runs it anew"
StateOf = Callable[[Group, Block | None, Column], Measured]


@dataclass(frozen=True)
class Source:
    """What a table is made of.

    Attributes:
        results: Evaluation records of the profile that the table may show.
        numbers: The published CSVs that the layout names.
        state_of: Says why a cell without a record has none.
        paper_corpus: Data set that the table's own suite pre-trains on; empty for none.
        left_out: Records of the profile whose weights were pre-trained on another corpus.
        comparer: Compares methods with the best of a column; several tables share one.
        stale: By cell name, key of the cells that the plan would run anew: records of another key
            are shown, and marked.
    """

    layout: TableLayout
    results: Sequence[Result]
    numbers: Sequence[PublishedNumber]
    join: Join
    profile: str
    state_of: StateOf
    paper_corpus: str = ""
    left_out: Sequence[Result] = ()
    comparer: Comparer = field(default_factory=Comparer)
    stale: Mapping[str, str] = field(default_factory=dict)


def is_stale(item: Result, source: Source) -> bool:
    """Whether the plan would run the record's cell anew."""
    key = item.cell["key"]
    return bool(source.stale.get(item.name, key) != key)
