"""The report's own tables: suites, tables, data, commits, and the list of all records."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from benchmark.data.leaks import leak_sentence
from benchmark.reporting.report.grids import Column, ColumnGroup, Grid, GridCell, GridRow, Link
from benchmark.reporting.report.markup import literal, plain
from benchmark.reporting.report.metrics import value_cell
from benchmark.reporting.report.model import SuiteView, TableView
from benchmark.reporting.report.notes import Footnotes
from benchmark.reporting.report.pages import VERDICTS
from benchmark.reporting.report.record_pages import Places, is_phantom, setting_text

if TYPE_CHECKING:
    from benchmark.reporting.select import Result


def suites_grid(suites: Sequence[SuiteView]) -> Grid:
    """Suites with the counts of their verdicts."""
    groups = (*_plain("suite"), *_numbers("tables", "broken", "records"), _verdict_group())
    rows = []
    for suite in suites:
        broken = tuple(Link(plain(table.short), table.anchor) for table in suite.broken)
        mark = ", phantom" if suite.phantom else ""
        rows.append(
            GridRow(
                (
                    GridCell(suite.title, f"`{suite.name}`{mark}"),
                    _count(len(suite.tables)),
                    GridCell(
                        str(len(broken)),
                        sort=len(broken),
                        links=broken,
                        tone="broken" if broken else "none",
                    ),
                    _count(suite.records),
                    *(_verdict(name, suite.counts) for name in VERDICTS),
                )
            )
        )
    return Grid("suites", "Suites", groups, tuple(rows))


def tables_grid(tables: Sequence[TableView]) -> Grid:
    """All tables with the counts of their verdicts."""
    groups = (*_plain("table", "title", "state"), *_numbers("measured"), _verdict_group())
    rows = []
    for table in tables:
        words = (("broken", table.broken), ("phantom", table.phantom))
        states = ", ".join(word for word, holds in words if holds)
        if not table.measured:
            states = "no record"
        tone = "broken" if table.broken else "phantom" if table.phantom else "none"
        rows.append(
            GridRow(
                (
                    GridCell(
                        table.short,
                        ", ".join(f"`{suite}`" for suite in table.suites),
                        links=(Link(table.short, table.anchor),),
                    ),
                    GridCell("" if plain(table.title) == table.short else table.title),
                    GridCell(states, tone=tone),
                    _count(table.measured),
                    *(_verdict(name, table.counts) for name in VERDICTS),
                )
            )
        )
    return Grid("tables", "Tables", groups, tuple(rows))


def data_grid(results: Sequence[Result]) -> Grid:
    """Every state of data that a record was made from."""
    by_id: dict[str, list[Result]] = defaultdict(list)
    for item in results:
        by_id[item.cell["data_id"]].append(item)
    rows = []
    for data_id in sorted(by_id):
        data = by_id[data_id][0].record.get("data") or {}
        leaks = {
            f"`{item.cell['task']}@{item.cell['variant']}`: {sentence}"
            for item in by_id[data_id]
            if (sentence := leak_sentence(item.record.get("leaks") or {}))
        }
        kind = "phantom" if is_phantom(by_id[data_id][0].record) else "real"
        partial = int(data.get("partial") or 0)
        rows.append(
            GridRow(
                (
                    GridCell(f"`{literal(data_id)}`"),
                    GridCell(kind, tone="phantom" if kind == "phantom" else ""),
                    GridCell(literal(data.get("release") or "")),
                    _count(len(by_id[data_id])),
                    GridCell(f"{partial:,} images absent" if partial else "whole", sort=partial),
                    GridCell(" ".join(sorted(leaks)) or "none", tone="broken" if leaks else ""),
                )
            )
        )
    groups = (
        *_plain("data id", "kind", "release"),
        *_numbers("records"),
        *_plain("extent", "leaks"),
    )
    return Grid("data", "Data", groups, tuple(rows))


def commits_grid(results: Sequence[Result]) -> Grid:
    """Which state of the code made how many records, and where."""
    count = Counter(_origin(item.record.get("provenance") or {}) for item in results)
    rows = [
        GridRow((GridCell(f"`{commit[:12]}`"), GridCell(state), GridCell(device), _count(number)))
        for (commit, state, device), number in sorted(count.items())
    ]
    groups = (*_plain("commit", "state", "device"), *_numbers("records"))
    return Grid("commits", "Code that made the records", groups, tuple(rows))


def _origin(provenance: Mapping[str, Any]) -> tuple[str, str, str]:
    return (
        str(provenance.get("commit") or "unknown"),
        "with uncommitted changes" if provenance.get("dirty") else "clean",
        str(provenance.get("device") or "unknown"),
    )


def records_grid(results: Sequence[Result], places: Places) -> Grid:
    """Every record with its task's first metric."""
    notes = Footnotes()
    rows = []
    for item in results:
        cell = item.cell
        name = places.headlines.get(cell["task"], "")
        score = item.record["metrics"].get(name)
        value, interval = GridCell("", tone="none"), GridCell("")
        if score is not None:
            value, interval = value_cell(score["value"], score["interval"], score["why"], notes)
        link = places.link(cell["key"])
        role = "pre-training" if cell["kind"] == "pretrain" else _role(item)
        rows.append(
            GridRow(
                (
                    GridCell(
                        literal(f"{cell['task']}@{cell['variant']}"), links=(link,) if link else ()
                    ),
                    GridCell(literal(cell["baseline"])),
                    GridCell(setting_text(item)),
                    GridCell(f"`{literal(name)}`" if score is not None else ""),
                    value,
                    interval,
                    _seconds(item.record.get("timing") or {}),
                    GridCell(literal(cell["data_id"])),
                ),
                role=role,
            )
        )
    groups = (
        *_plain("task", "baseline", "setting", "metric"),
        ColumnGroup((Column("value", "number", True),)),
        *_numbers("95 % interval", "seconds"),
        *_plain("data"),
    )
    roles = tuple(dict.fromkeys(row.role for row in rows))
    return Grid("records", "", groups, tuple(rows), footnotes=notes.texts(), roles=roles)


def _role(item: Result) -> str:
    return "sentinel" if item.weights == "none" else "method"


def _seconds(timing: Mapping[str, Any]) -> GridCell:
    seconds = timing.get("wall_seconds")
    if seconds is None:
        return GridCell("")
    return GridCell(f"{float(seconds):,.1f}", sort=float(seconds))


def _verdict_group() -> ColumnGroup:
    return ColumnGroup(
        tuple(Column(name, "number", True) for name in VERDICTS), "published numbers"
    )


def _verdict(name: str, counts: Mapping[str, int]) -> GridCell:
    count = counts.get(name, 0)
    return GridCell(str(count), sort=count, tone=name.replace(" ", "-") if count else "none")


def _count(value: int) -> GridCell:
    return GridCell(f"{value:,}", sort=value)


def _plain(*titles: str) -> tuple[ColumnGroup, ...]:
    return tuple(ColumnGroup((Column(title),)) for title in titles)


def _numbers(*titles: str) -> tuple[ColumnGroup, ...]:
    return tuple(ColumnGroup((Column(title, "number", True),)) for title in titles)
