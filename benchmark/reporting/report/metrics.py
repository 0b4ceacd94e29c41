"""A record's metrics as grids: all of them, and by class where there are several classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmark.reporting.report.facts import decimal_text
from benchmark.reporting.report.grids import Column, ColumnGroup, Grid, GridCell, GridRow
from benchmark.reporting.report.markup import literal
from benchmark.reporting.report.notes import Footnotes, sentence

UNDEFINED = "undefined"


def metric_grids(metrics: Mapping[str, Any], anchor: str, headline: str) -> tuple[Grid, ...]:
    """One grid of all metrics, the task's first one on top, then one by class for each.

    Args:
        metrics: Of the record, by name.
        anchor: Id of the record's page.
        headline: The task's first metric; its classes are not folded away.
    """
    if not metrics:
        return ()
    names = sorted(metrics, key=lambda name: (name != headline, name))
    grids = [_overall(names, metrics, f"{anchor}-metrics")]
    for place, name in enumerate(names):
        if len(metrics[name]["per_class"]) > 1:
            grids.append(_by_class(name, metrics[name], f"{anchor}-c{place}", name != headline))
    return tuple(grids)


def value_cell(
    value: float | None, interval: Any, why: str, notes: Footnotes
) -> tuple[GridCell, GridCell]:
    """A score and its interval; the reason of an undefined one, or of a gap, as a footnote."""
    marks = notes.mark(sentence(why))
    if value is None:
        return GridCell(UNDEFINED, tone="none", notes=marks), GridCell("", tone="none")
    bounds = ""
    if interval:
        bounds = f"[{decimal_text(interval[0])}, {decimal_text(interval[1])}]"
    width = float(interval[1] - interval[0]) if interval else None
    return GridCell(decimal_text(value), sort=float(value), notes=marks), GridCell(
        bounds, sort=width
    )


def _overall(names: list[str], metrics: Mapping[str, Any], anchor: str) -> Grid:
    notes = Footnotes()
    rows = []
    for name in names:
        score = metrics[name]
        value, interval = value_cell(score["value"], score["interval"], _why(score), notes)
        rest = [
            _level(score["chance"]),
            _level(score["best"]),
            GridCell(str(score["n"]), sort=score["n"]),
        ]
        rows.append(GridRow((GridCell(f"`{literal(name)}`"), value, interval, *rest)))
    groups = _groups("metric", "chance", "best", "n")
    return Grid(anchor, "Metrics", groups, tuple(rows), footnotes=notes.texts())


def _why(score: Mapping[str, Any]) -> str:
    gaps = [score["why"]] if score["why"] else []
    undefined = [name for name, value in score["per_class"].items() if value is None]
    if score["value"] is not None and undefined:
        gaps.append(f"undefined for {', '.join(sorted(undefined))}; see the classes below")
    return "; ".join(gaps)


def _by_class(name: str, score: Mapping[str, Any], anchor: str, foldable: bool) -> Grid:
    notes = Footnotes()
    rows = []
    for label, value in score["per_class"].items():
        why = score["why_per_class"].get(label, "")
        interval = score["interval_per_class"].get(label)
        rows.append(GridRow((GridCell(literal(label)), *value_cell(value, interval, why, notes))))
    return Grid(
        anchor,
        f"`{literal(name)}` by class",
        _groups("class"),
        tuple(rows),
        footnotes=notes.texts(),
        foldable=foldable,
    )


def _groups(first: str, *more: str) -> tuple[ColumnGroup, ...]:
    columns = [Column(first), Column("value", "number", True), Column("95 % interval", "number")]
    columns += [Column(title, "number") for title in more]
    return tuple(ColumnGroup((column,)) for column in columns)


def _level(value: float | None) -> GridCell:
    return GridCell("") if value is None else GridCell(decimal_text(value), sort=float(value))
