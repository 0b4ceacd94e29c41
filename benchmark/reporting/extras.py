"""Tables beside the main one: values per class, by stratum, and the sweep of a chosen setting.

Baselines are columns here, since classes are many. Only the current data are shown. Where a paper
prints values per class, its methods are columns too, and the mean over classes is the first line.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from benchmark.reporting.beside import beside, not_comparable, published_cell, worth_a_column
from benchmark.reporting.cells import Measured, measured, seeds_of, seeds_text
from benchmark.reporting.model import Beside, Head, Line, Sheet, TableCell
from benchmark.reporting.select import Block, Result, TableRow, picked, rows_for

if TYPE_CHECKING:
    from benchmark.reporting.layout import Extra
    from benchmark.reporting.source import Source

Shown = Sequence[tuple[TableRow, list[Result]]]
_Cells = Sequence[TableCell]
MEAN = "Mean"
NO_INTERVAL = "no interval: fewer than 10 patients, or equal values in all resamples"
NO_SUCH_CLASS = "the record holds no value for this class"
NO_SUCH_METRIC = "the record does not hold this metric"


def extra_sheets(source: Source, block_of: Mapping[str, Block]) -> list[Sheet]:
    """The layout's extras, in order.

    One without a record is left out, unless the paper has numbers for it.

    Args:
        source: Of the table.
        block_of: The current block by task.
    """
    sheets = []
    for extra in source.layout.extras:
        block = block_of.get(extra.task)
        if block is None and not extra.published:
            continue
        shown = [
            (row, picked(source.results, row.group, block, extra.labels) if block else [])
            for row in rows_for(source.layout, source.results)
        ]
        sheet = _sheet(source, extra, block, shown)
        if sheet is not None:
            sheets.append(sheet)
    return sheets


def _sheet(source: Source, extra: Extra, block: Block | None, shown: Shown) -> Sheet | None:
    if extra.kind == "per_class":
        return _per_class(source, extra, block, shown)
    measured_rows = [(row, found) for row, found in shown if found]
    if block is None or not measured_rows:
        return None
    if extra.kind == "metrics":
        return _metrics(extra, block, measured_rows)
    return _sweep(extra, block, measured_rows)


def _remark(block: Block | None) -> str:
    return f"Data: `{block.task}@{block.variant}`, `{block.data_id}`." if block else ""


def _head(extra: Extra, block: Block | None, title: str, metric: str, seeds: str) -> Head:
    return Head(
        title,
        extra.format,
        task=extra.task,
        variant=block.variant if block else "",
        data_id=block.data_id if block else "",
        labels=extra.labels,
        metric=metric,
        seeds=seeds,
    )


def _keys(found: Sequence[Result]) -> tuple[str, ...]:
    return tuple(sorted(str(item.cell["key"]) for item in found))


def _by_lines(
    extra: Extra, block: Block | None, names: Sequence[str], columns: Sequence[tuple[Head, _Cells]]
) -> Sheet:
    """Lines of `names`, a column for each method."""
    lines = [
        Line((name,), tuple(cells[place] for _, cells in columns))
        for place, name in enumerate(names)
    ]
    heads = tuple(head for head, _ in columns)
    first = (extra.first_column,)
    return Sheet(extra.title, first, heads, tuple(lines), _remark(block), extra.place)


def _per_class(source: Source, extra: Extra, block: Block | None, shown: Shown) -> Sheet | None:
    """Each method's column by class; with published numbers the mean over classes first."""
    classes = _classes(source, extra, shown)
    if len(classes) < 2:
        return None
    names = [MEAN, *classes] if extra.published else classes
    columns = []
    for row, found in shown:
        cells = _class_cells(found, extra, names)
        sides = _published_by_class(source, extra, block, row, found, names, cells)
        if not found and not any(worth_a_column(side) for side in sides):
            continue
        seeds = seeds_text(seeds_of(found)) if found else ""
        head = _head(extra, block, row.row.title, extra.metric, seeds)
        head = dataclasses.replace(head, measured=bool(found))
        keys = _keys(found)
        both = zip(cells, sides, strict=True)
        columns.append((head, [TableCell(cell, side, keys=keys) for cell, side in both]))
    return _by_lines(extra, block, names, columns) if columns else None


def _classes(source: Source, extra: Extra, shown: Shown) -> list[str]:
    """Classes of the records, in their order, then those that only the paper prints."""
    classes: dict[str, None] = {}
    for _, found in shown:
        for item in found:
            score = item.record["metrics"].get(extra.metric) or {}
            classes.update(dict.fromkeys(score.get("per_class") or {}))
    named = extra.published
    if named:
        wanted = (named["dataset"], named["metric"], named.get("labels", "0"))
        for number in source.numbers:
            if (number.dataset, number.metric, number.labels_percent) == wanted:
                classes.update({number.class_name: None} if number.class_name else {})
    return list(classes)


def _published_by_class(
    source: Source,
    extra: Extra,
    block: Block | None,
    row: TableRow,
    found: Sequence[Result],
    names: Sequence[str],
    cells: Sequence[Measured],
) -> list[Beside | None]:
    if not extra.published:
        return [None] * len(names)
    reason = not_comparable(source, block, found, extra.paper_recipe)
    sides = []
    for name, cell in zip(names, cells, strict=True):
        class_name = "" if name == MEAN else name
        item = published_cell(source, row.row.published, extra.published, class_name)
        sides.append(beside(source, item, cell, found, reason))
    return sides


def _class_cells(found: list[Result], extra: Extra, names: Sequence[str]) -> list[Measured]:
    if not found:
        return [Measured("not_run")] * len(names)
    parts = [_of_class(item, extra.metric) for item in found]
    return [
        measured(found, extra.metric) if name == MEAN else _class_cell(parts, name)
        for name in names
    ]


def _of_class(result: Result, metric: str) -> dict[str, Result]:
    """By class: the result with that class's value in place of its metrics."""
    score = result.record["metrics"].get(metric) or {}
    few = ((result.record.get("selection") or {}).get("bootstrap") or {}).get("few_cases") or {}
    intervals = score.get("interval_per_class") or {}
    found = {}
    for name, value in (score.get("per_class") or {}).items():
        interval = intervals.get(name)
        why = (score.get("why_per_class") or {}).get(name, "")
        if value is not None:
            why = few.get(name, "" if interval or name not in intervals else NO_INTERVAL)
        entry = {"value": value, "why": why, "interval": interval, "best": score.get("best")}
        record = {**result.record, "metrics": {"": entry}}
        found[name] = dataclasses.replace(result, record=record)
    return found


def _class_cell(parts: Sequence[Mapping[str, Result]], name: str) -> Measured:
    if any(name not in part for part in parts):
        return Measured("not_applicable", reason=NO_SUCH_CLASS)
    return measured([part[name] for part in parts], "")


def _metrics(extra: Extra, block: Block, shown: Shown) -> Sheet:
    """One line for each of the named metrics, a column for each method."""
    columns = []
    for row, found in shown:
        cells = []
        for metric in extra.metrics.values():
            known = all(metric in item.record["metrics"] for item in found)
            cell = (
                measured(found, metric)
                if known
                else Measured("not_applicable", reason=NO_SUCH_METRIC)
            )
            cells.append(TableCell(cell, keys=_keys(found)))
        seeds = seeds_text(seeds_of(found))
        columns.append((_head(extra, block, row.row.title, "", seeds), cells))
    return _by_lines(extra, block, list(extra.metrics), columns)


def _sweep(extra: Extra, block: Block, shown: Shown) -> Sheet | None:
    """Long form: one line for each candidate of each record; the chosen one is marked."""
    lines = []
    for row, found in shown:
        for item in found:
            chosen = item.record["selection"].get(extra.chosen)
            for entry in item.record["selection"].get(extra.selection) or ():
                is_chosen = chosen is not None and entry.get(extra.chosen_field) == chosen
                texts = (row.row.title, seeds_text(seeds_of([item])), "yes" if is_chosen else "")
                cells = tuple(
                    TableCell(_plain(entry.get(field)), keys=_keys([item]))
                    for field in extra.metrics.values()
                )
                lines.append(Line(texts, cells, row.row.role, row.row.baseline))
    if not lines:
        return None
    heads = tuple(_head(extra, block, title, field, "") for title, field in extra.metrics.items())
    text_heads = ("Method", "Seeds", "Chosen")
    return Sheet(extra.title, text_heads, heads, tuple(lines), _remark(block), extra.place)


def _plain(value: float | None) -> Measured:
    return Measured("not_applicable") if value is None else Measured("value", value=float(value))
