"""Plain data of a record as named facts: mappings nest, lists of mappings become small tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmark.reporting.report.grids import Column, ColumnGroup, Grid, GridCell, GridRow
from benchmark.reporting.report.markup import literal
from benchmark.reporting.report.model import Fact

NONE = "–"


def facts(values: Mapping[str, Any], anchor: str) -> tuple[Fact, ...]:
    """The entries of a mapping, in its order.

    Args:
        values: Plain data: texts, numbers, truth values, None, lists and mappings of these.
        anchor: Prefix of the ids of tables in it.
    """
    return tuple(
        fact(str(name), value, f"{anchor}-{place}")
        for place, (name, value) in enumerate(values.items())
    )


def fact(name: str, value: Any, anchor: str) -> Fact:
    """One named value, whatever its form."""
    if isinstance(value, Mapping):
        return Fact(name, children=facts(value, anchor)) if value else Fact(name, NONE)
    if _is_list(value) and value and all(isinstance(item, Mapping) for item in value):
        return Fact(name, grid=entries_grid(value, anchor))
    return Fact(name, value_text(value))


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def value_text(value: Any) -> str:
    """One value as text; a list as its items with commas between them."""
    if value is None or value == "":
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return number_text(value)
    if _is_list(value):
        return ", ".join(value_text(item) for item in value) or NONE
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {value_text(item)}" for name, item in value.items()) or NONE
    return str(value)


def number_text(value: float) -> str:
    """A number with up to six digits; whole ones without a point."""
    whole = value.is_integer() and abs(value) < 1e15
    return with_minus(f"{int(value)}" if whole else f"{value:.6g}")


def decimal_text(value: float) -> str:
    """Four decimals; large numbers with thousands and one decimal; no sign before a zero."""
    text = f"{value:,.1f}" if abs(value) >= 1000 else f"{value:.4f}"
    return with_minus(text if float(text.replace(",", "")) else text.replace("-", ""))


def with_minus(text: str) -> str:
    """A number with a typographic minus, also in its exponent."""
    return text.replace("-", "−")


def entries_grid(entries: Sequence[Mapping[str, Any]], anchor: str, title: str = "") -> Grid:
    """A list of mappings as a table; a column for each name, in order of first use."""
    names = list(dict.fromkeys(str(name) for entry in entries for name in entry))
    numeric = {
        name: all(_is_number(entry.get(name)) for entry in entries if name in entry)
        for name in names
    }
    groups = tuple(
        ColumnGroup((Column(literal(name), "number" if numeric[name] else "text"),))
        for name in names
    )
    rows = tuple(
        GridRow(tuple(_cell(entry[name]) if name in entry else GridCell("") for name in names))
        for entry in entries
    )
    return Grid(anchor, title, groups, rows)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cell(value: Any) -> GridCell:
    return GridCell(literal(value_text(value)), sort=float(value) if _is_number(value) else None)
