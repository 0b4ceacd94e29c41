"""Tables beside the main one: values per class, by stratum, and the sweep of a chosen setting.

Baselines are columns here, since classes are many. Only the current data are shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from benchmark.reporting.cells import Measured, measured, number, seeds_of, seeds_text, value_text
from benchmark.reporting.grid import DASH, Source
from benchmark.reporting.markdown import Footnotes, table
from benchmark.reporting.select import Block, Result, TableRow, picked, rows_for

if TYPE_CHECKING:
    from benchmark.reporting.layout import Extra


def extra_sections(source: Source, block_of: Mapping[str, Block]) -> list[str]:
    """Headings and tables of the layout's extras; those without a record are left out."""
    parts: list[str] = []
    for extra in source.layout.extras:
        block = block_of.get(extra.task)
        if block is None:
            continue
        shown = [
            (row, found)
            for row in rows_for(source.layout, source.results)
            if (found := picked(source.results, row.group, block, extra.labels))
        ]
        notes = Footnotes()
        makers = {"per_class": _per_class, "metrics": _metrics, "sweep": _sweep}
        body = makers[extra.kind](extra, shown, notes) if shown else ""
        if body:
            mark = " (phantom)" if block.phantom else ""
            place = f"Data: `{block.task}@{block.variant}`, `{block.data_id}`."
            parts += [f"## {extra.title}{mark}", place, body, "\n".join(notes.lines())]
    return parts


Shown = Sequence[tuple[TableRow, list[Result]]]


def _per_class(extra: Extra, shown: Shown, notes: Footnotes) -> str:
    classes: dict[str, None] = {}
    for _, found in shown:
        for item in found:
            score = item.record["metrics"].get(extra.metric) or {}
            classes.update(dict.fromkeys(score.get("per_class") or {}))
    if len(classes) < 2:
        return ""
    kept = [(row, [_of_class(item, extra.metric) for item in found]) for row, found in shown]
    body = []
    for name in classes:
        cells = [_class_cell(parts, name) for _, parts in kept]
        body.append([name, *(_text(cell, extra, notes) for cell in cells)])
    return _with_seeds(extra.first_column, shown, body)


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
