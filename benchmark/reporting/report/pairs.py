"""All pairs of methods inside each block, compared on the same patients.

A block here is one metric of one task, variant, state of the data and label fraction. Its methods
are rows of the tables: what is compared is what stands in the tables' cells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, groupby
from typing import TYPE_CHECKING, Any

from benchmark.reporting.comparison import Comparison, metrics_of
from benchmark.reporting.report.markup import literal, plain
from benchmark.reporting.report.model import Comparisons
from benchmark.reporting.report.notes import sentence
from benchmark.reporting.report.pages import page_sheets
from benchmark.reporting.report.pairs_grid import pairs_grid

if TYPE_CHECKING:
    from benchmark.reporting.layout import Format
    from benchmark.reporting.model import Head, Line, TableCell, TablePage
    from benchmark.reporting.report.grids import Grid
    from benchmark.reporting.select import Result

Compare = Callable[[Sequence["Result"], Sequence["Result"], str], Comparison]
UNDER_TEST = ("method", "from scratch")


@dataclass(frozen=True, order=True)
class PairBlock:
    """What two methods must have in common to be compared."""

    task: str
    variant: str
    data_id: str
    labels: str
    metric: str

    @property
    def test_set(self) -> tuple[str, str, str]:
        """Blocks of one test set share what was read and resampled."""
        return self.task, self.variant, self.data_id

    @property
    def title(self) -> str:
        """Such as `rsna_classification@maco`, 10 % of the labels: `auc`."""
        labels = "" if self.labels in ("", "all") else f", {self.labels} % of the labels"
        return f"`{self.task}@{self.variant}`{labels}: `{self.metric}`"


@dataclass(frozen=True)
class Member:
    """One method of a block: a row of a table, and the keys of its records."""

    title: str
    role: str
    keys: tuple[str, ...]


@dataclass
class Members:
    """The methods of a block, and how the tables print its metric."""

    form: Format
    higher_is_better: bool = True
    listed: dict[tuple[str, ...], Member] = field(default_factory=dict)


@dataclass(frozen=True)
class Pair:
    """Two methods by their places in the block, and what came out."""

    first: int
    second: int
    result: Comparison


def pair_blocks(pages: Iterable[TablePage]) -> dict[PairBlock, Members]:
    """The methods of each block; blocks with fewer than two are left out."""
    found: dict[PairBlock, Members] = {}
    for page in pages:
        for sheet in page_sheets(page):
            for line in sheet.lines:
                for head, cell in zip(sheet.heads, line.cells, strict=True):
                    if not _is_score(head, line, cell):
                        continue
                    block = PairBlock(
                        head.task, head.variant, head.data_id, head.labels, head.metric
                    )
                    members = found.setdefault(
                        block, Members(head.form, head.higher_is_better is not False)
                    )
                    title = plain(line.texts[0] if line.texts else line.baseline)
                    member = Member(title, line.role or "method", cell.keys)
                    members.listed.setdefault(cell.keys, member)
    known = {block: members for block, members in found.items() if len(members.listed) > 1}
    return {block: known[block] for block in sorted(known) if _comparable(block)}


def _is_score(head: Head, line: Line, cell: TableCell) -> bool:
    """Whether a cell holds a metric of a method: no class, no paired excess, no empty place."""
    named = head.task and head.variant and head.data_id and head.metric
    has_value = cell.measured.state == "value" and not cell.measured.verdict
    return bool(named and line.baseline and cell.keys and has_value)


def _comparable(block: PairBlock) -> bool:
    return block.metric in metrics_of(block.task)


def comparisons(
    pages: Iterable[TablePage],
    results: Mapping[str, Result],
    comparer: Callable[[], Compare] | None,
) -> Comparisons:
    """Every pair of which at least one is a method under test.

    Args:
        pages: Of the report.
        results: By key.
        comparer: Makes the function that compares two sets of records in one metric; it is made
            anew for each test set, since it keeps what it read. None leaves comparisons out.
    """
    if comparer is None:
        return Comparisons(absent="they were left out")
    blocks: list[dict[str, Any]] = []
    grids: list[Grid] = []
    by_test_set = groupby(pair_blocks(pages).items(), key=lambda item: item[0].test_set)
    for _, group in by_test_set:
        compare = comparer()
        for block, members in group:
            listed = list(members.listed.values())
            pairs = _pairs(block, listed, results, compare)
            if all(pair.result.found.difference is None for pair in pairs):
                continue
            grids.append(
                pairs_grid(
                    block.title,
                    block.data_id,
                    [literal(member.title) for member in listed],
                    [(pair.first, pair.second, pair.result) for pair in pairs],
                    members.form,
                    f"pairs-{len(blocks)}",
                )
            )
            blocks.append(_block_data(block, members, pairs))
    if not blocks:
        return Comparisons(absent="no two methods of a table have scores of the same test samples")
    return Comparisons({"blocks": blocks}, tuple(grids))


def _pairs(
    block: PairBlock, listed: Sequence[Member], results: Mapping[str, Result], compare: Compare
) -> list[Pair]:
    records = [[results[key] for key in member.keys if key in results] for member in listed]
    return [
        Pair(first, second, compare(records[first], records[second], block.metric))
        for first, second in combinations(range(len(listed)), 2)
        if records[first]
        and records[second]
        and {listed[first].role, listed[second].role} & set(UNDER_TEST)
    ]


def _block_data(block: PairBlock, members: Members, pairs: Sequence[Pair]) -> dict[str, Any]:
    return {
        "task": block.task,
        "variant": block.variant,
        "data": block.data_id,
        "labels": block.labels,
        "metric": block.metric,
        "form": members.form,
        "higher": members.higher_is_better,
        "methods": [
            {"title": member.title, "role": member.role} for member in members.listed.values()
        ],
        "pairs": [
            {"first": pair.first, "second": pair.second, **_pair_data(pair.result)}
            for pair in pairs
        ],
    }


def _pair_data(one: Comparison) -> dict[str, Any]:
    found = one.found
    values = {
        "difference": found.difference,
        "interval": list(found.interval) if found.interval else None,
        "p": found.p_value,
        "detectable": found.smallest_detectable,
        "verdict": found.verdict if found.difference is not None else None,
        "values": None if one.first is None else [one.first, one.second],
        "samples": one.samples,
        "patients": found.patients,
        "classes": len(one.classes),
        "samples_to_settle": one.samples_to_settle,
        "patients_to_settle": one.patients_to_settle,
        "one_checkpoint": one.one_checkpoint,
        "method": found.method,
        "why": plain(sentence(found.why)),
    }
    return {name: value for name, value in values.items() if value is not None and value != ""}
