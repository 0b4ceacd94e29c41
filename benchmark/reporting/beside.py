"""The paper's number beside ours: found, converted, and the reason where no difference is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from benchmark.reporting.cells import Measured, number
from benchmark.reporting.published import SHOWN, PublishedNumber, find

if TYPE_CHECKING:
    from benchmark.reporting.grid import Source
    from benchmark.reporting.layout import Column, Form, Format, Row
    from benchmark.reporting.markdown import Footnotes
    from benchmark.reporting.select import Block, Result


def published_cell(
    source: Source, method: str, named: Mapping[str, str], class_name: str = ""
) -> PublishedNumber | None:
    """The number of one published cell; None where the paper has none.

    Args:
        source: Of the table.
        method: As the CSVs name it; empty for none.
        named: `metric`, `dataset`, `labels` and `class` in the CSVs; empty for none.
        class_name: Stands in place of `class`.
    """
    if not method or not named:
        return None
    return find(
        source.numbers,
        method=method,
        dataset=named["dataset"],
        metric=named["metric"],
        labels_percent=named.get("labels", "0"),
        class_name=class_name or named.get("class", ""),
        task=named.get("task", ""),
    )


def published_number(
    source: Source, row: Row, form: Form, column: Column
) -> PublishedNumber | None:
    """The paper's number for one cell; None where the paper has none for this form."""
    if form.name != row.published_form:
        return None
    return published_cell(source, row.published, column.published)


def not_comparable(
    source: Source,
    block: Block | None,
    found: Sequence[Result],
    paper_recipe: Mapping[str, Any],
) -> str:
    """Why a measured number must not be held against a published one; empty if it may be."""
    if block is None:
        return "nothing was measured"
    if block.phantom:
        return "phantom data"
    if source.profile != "paper":
        return f"profile `{source.profile}` is smaller than the paper's"
    for item in found:
        if (item.record.get("data") or {}).get("partial"):
            return "part of the data set is absent"
        if "phantom" in str((item.record.get("pretraining") or {}).get("data_id", "")):
            return "pre-trained on phantom data"
        if item.corpus and source.paper_corpus and item.corpus != source.paper_corpus:
            return f"pre-trained on `{item.corpus}`, the paper's corpus is `{source.paper_corpus}`"
        recipe = item.record.get("recipe") or {}
        for name, wanted in paper_recipe.items():
            if recipe.get(name) != wanted:
                return f"`{name}` is `{recipe.get(name)}`, the paper's is `{wanted}`"
    return ""


def published_text(
    source: Source,
    item: PublishedNumber | None,
    cell: Measured,
    form: Format,
    notes: Footnotes,
    reason: str,
) -> str:
    """`91.5 (text), −0.3`: the printed number, its status, and measured minus printed.

    Args:
        source: Of the table.
        item: What the paper has; empty text where it has nothing.
        cell: What was measured.
        form: How both are printed.
        notes: Takes the reason where no difference is shown.
        reason: Why the two must not be compared, from `not_comparable`.
    """
    if item is None:
        return ""
    if item.status not in SHOWN:
        return item.status.replace("_", " ")
    value = source.join.in_our_unit(item)
    assert value is not None
    text = f"{number(value, form)} ({item.status})"
    if cell.value is None:
        return text
    if reason:
        return text + notes.mark(f"No difference is shown: {reason}.")
    difference = number(cell.value - value, form)
    sign = "" if difference.startswith(("−", "+")) else "+"
    return f"{text}, {sign}{difference}"


def worth_a_column(item: PublishedNumber | None) -> bool:
    """Whether a published cell says more than that the paper has no such number."""
    return item is not None and bool(item.text or item.status == "not_found")
