"""Tables beside the main one: values per class, by stratum, and the sweep of a chosen setting.

Baselines are columns here, since classes are many. Only the current data are shown. Where a paper
prints values per class, its methods are columns too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from benchmark.reporting.beside import (
    not_comparable,
    published_cell,
    published_text,
    worth_a_column,
)
from benchmark.reporting.cells import Measured, measured, number, seeds_of, seeds_text, value_text
from benchmark.reporting.grid import DASH, Source
from benchmark.reporting.markdown import Footnotes, table
from benchmark.reporting.select import Block, Result, TableRow, picked, rows_for

if TYPE_CHECKING:
    from benchmark.reporting.layout import Extra
    from benchmark.reporting.published import PublishedNumber


Shown = Sequence[tuple[TableRow, list[Result]]]
MEAN = "Mean"


def extra_sections(source: Source, block_of: Mapping[str, Block], place: str) -> list[str]:
    """Headings and tables of the layout's extras.

    One without a record is left out, unless the paper has numbers for it.

    Args:
        source: Of the table.
        block_of: The current block by task.
        place: `page` or `details`: only the extras that stand there.
    """
    parts: list[str] = []
    for extra in source.layout.extras:
        block = block_of.get(extra.task)
        if extra.place != place or (block is None and not extra.published):
            continue
        shown = [
            (row, picked(source.results, row.group, block, extra.labels) if block else [])
            for row in rows_for(source.layout, source.results)
        ]
        notes = Footnotes()
        body = _body(source, extra, block, shown, notes)
        if body:
            mark = " (phantom)" if block and block.phantom else ""
            where = f"Data: `{block.task}@{block.variant}`, `{block.data_id}`." if block else ""
            parts += [f"## {extra.title}{mark}", where, body, "\n".join(notes.lines())]
    return parts


def _body(source: Source, extra: Extra, block: Block | None, shown: Shown, notes: Footnotes) -> str:
    if extra.kind == "per_class" and extra.published:
        return _per_class_published(source, extra, block, shown, notes)
    makers = {"per_class": _per_class, "metrics": _metrics, "sweep": _sweep}
    found = [(row, results) for row, results in shown if results]
    return makers[extra.kind](extra, found, notes) if found else ""


def _per_class(extra: Extra, shown: Shown, notes: Footnotes) -> str:
    classes = _classes(extra, shown)
    if len(classes) < 2:
        return ""
    kept = [(row, [_of_class(item, extra.metric) for item in found]) for row, found in shown]
    body = []
    for name in classes:
        cells = [_class_cell(parts, name) for _, parts in kept]
        body.append([name, *(_text(cell, extra, notes) for cell in cells)])
    return _with_seeds(extra.first_column, shown, body)


def _classes(extra: Extra, shown: Shown) -> list[str]:
    """Classes of the records, in their order."""
    classes: dict[str, None] = {}
    for _, found in shown:
        for item in found:
            score = item.record["metrics"].get(extra.metric) or {}
            classes.update(dict.fromkeys(score.get("per_class") or {}))
    return list(classes)


def _per_class_published(
    source: Source, extra: Extra, block: Block | None, shown: Shown, notes: Footnotes
) -> str:
    """Each method's own column, and beside it the paper's; the mean over classes first."""
    columns: list[list[str]] = []
    printed = dict.fromkeys(
        item.class_name for item in source.numbers if _is_of(item, extra) and item.class_name
    )
    classes = list(dict.fromkeys([*_classes(extra, shown), *printed]))
    for row, found in shown:
        cells = _class_cells(found, extra, classes)
        if found:
            texts = [_text(cell, extra, notes) for cell in cells]
            columns.append([row.row.title, seeds_text(seeds_of(found)), *texts])
        named = [
            published_cell(source, row.row.published, extra.published, name)
            for name in ("", *classes)
        ]
        if any(worth_a_column(item) for item in named):
            reason = not_comparable(source, block, found, extra.paper_recipe)
            beside = [
                published_text(source, item, cell, extra.format, notes, reason)
                for item, cell in zip(named, cells, strict=True)
            ]
            columns.append([f"{row.row.title}, published", "", *beside])
    if not columns:
        return ""
    first = [extra.first_column, "Seeds", MEAN, *classes]
    headers, *body = zip(first, *columns, strict=True)
    return table(headers, body)


def _is_of(item: PublishedNumber, extra: Extra) -> bool:
    named = extra.published
    wanted = (named["dataset"], named["metric"], named.get("labels", "0"))
    return (item.dataset, item.metric, item.labels_percent) == wanted


def _class_cells(found: list[Result], extra: Extra, classes: Sequence[str]) -> list[Measured]:
    """The mean over classes, then each class."""
    parts = [_of_class(item, extra.metric) for item in found]
    if not found:
        return [Measured("not_run")] * (len(classes) + 1)
    return [measured(found, extra.metric), *(_class_cell(parts, name) for name in classes)]


def _of_class(result: Result, metric: str) -> dict[str, Result]:
    """By class: the result with that class's value in place of its metrics."""
    score = result.record["metrics"].get(metric) or {}
    found = {}
    for name, value in (score.get("per_class") or {}).items():
        why = (score.get("why_per_class") or {}).get(name, "")
        interval = (score.get("interval_per_class") or {}).get(name)
        entry = {"value": value, "why": why, "interval": interval}
        found[name] = Result(result.folder, {**result.record, "metrics": {"": entry}})
    return found


def _class_cell(parts: Sequence[Mapping[str, Result]], name: str) -> Measured:
    if any(name not in part for part in parts):
        return Measured("not_applicable", reason="the record holds no value for this class")
    return measured([part[name] for part in parts], "")


def _metrics(extra: Extra, shown: Shown, notes: Footnotes) -> str:
    body = []
    for title, metric in extra.metrics.items():
        cells = [
            measured(found, metric)
            if all(metric in item.record["metrics"] for item in found)
            else Measured("not_applicable", reason="the record does not hold this metric")
            for _, found in shown
        ]
        body.append([title, *(_text(cell, extra, notes) for cell in cells)])
    return _with_seeds(extra.first_column, shown, body)


def _sweep(extra: Extra, shown: Shown, notes: Footnotes) -> str:
    """Long form: one line for each candidate of each record; the chosen one is marked."""
    body = []
    for row, found in shown:
        for item in found:
            chosen = item.record["selection"].get(extra.chosen)
            for entry in item.record["selection"].get(extra.selection) or ():
                line = [row.row.title, seeds_text(seeds_of([item]))]
                for field in extra.metrics.values():
                    value = entry.get(field)
                    line.append(DASH if value is None else number(float(value), extra.format))
                mark = (
                    "chosen"
                    if chosen is not None and entry.get(extra.chosen_field) == chosen
                    else ""
                )
                body.append([*line, mark])
    headers = ["Method", "Seeds", *extra.metrics, ""]
    return table(headers, body) if body else ""


def _text(cell: Measured, extra: Extra, notes: Footnotes) -> str:
    if cell.state == "value":
        return value_text(cell, extra.format)
    words = {"undefined": "undefined", "ambiguous": "ambiguous", "not_run": "not run"}
    return words.get(cell.state, DASH) + notes.mark(cell.reason)


def _with_seeds(first: str, shown: Shown, body: list[list[str]]) -> str:
    headers = [first, *(row.row.title for row, _ in shown)]
    seeds = ["Seeds", *(seeds_text(seeds_of(found)) for _, found in shown)]
    return table(headers, [seeds, *body])
