"""The paper's number beside ours: found, converted, and the reason where no difference is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from benchmark.data.leaks import leak_sentence
from benchmark.reporting.model import Beside
from benchmark.reporting.protocol import off_protocol
from benchmark.reporting.published import SHOWN, PublishedNumber, find
from benchmark.reporting.reproduction import ONE_FILE, ONE_RUN, reproduction, rounding_of

if TYPE_CHECKING:
    from benchmark.reporting.cells import Measured
    from benchmark.reporting.layout import Column, Form, Row
    from benchmark.reporting.select import Block, Result
    from benchmark.reporting.source import Source


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
        changed = off_protocol(item, source.profile)
        if changed:
            return changed
        leak = leak_sentence(item.record.get("leaks") or {})
        if leak:
            return f"the split leaks: {leak}"
    return ""


def beside(
    source: Source,
    item: PublishedNumber | None,
    cell: Measured,
    found: Sequence[Result],
    reason: str,
    exact: bool = False,
) -> Beside | None:
    """What the paper prints beside a measured value, and whether it was reproduced.

    Args:
        source: Of the table.
        item: What the paper has; None where it has no such cell.
        cell: What was measured.
        found: The records behind it.
        reason: Why the two must not be compared, from `not_comparable`; empty if they may be.
        exact: A count that depends on no data and no seed.
    """
    if item is None:
        return None
    if item.status not in SHOWN:
        return Beside("", item.status)
    value = source.join.in_our_unit(item)
    assert value is not None
    scale = abs(source.join.scales[item.metric, item.unit])
    verdict, why = reproduction(
        cell,
        value,
        rounding_of(item.text, scale),
        source.join.margins.get(item.metric),
        single_run=_single_run(source, cell, found),
        incomparable=reason,
        exact=exact,
    )
    comparable = cell.value is not None and verdict != "not comparable"
    difference = cell.value - value if comparable and cell.value is not None else None
    return Beside(item.text, item.status, value, difference, verdict, why)


def _single_run(source: Source, cell: Measured, found: Sequence[Result]) -> str:
    """Why the weights behind a cell are those of a single run; empty if they are not."""
    for one in found:
        checksum = str((one.record.get("weights") or {}).get("checksum", ""))
        if one.cell["weights"].startswith("file:") and checksum not in source.join.releases:
            return ONE_FILE
    trained = any(one.cell["weights"] == "trained" for one in found)
    return ONE_RUN if trained and cell.pretraining_seeds == 1 else ""


def worth_a_column(item: Beside | None) -> bool:
    """Whether a published cell says more than that the paper has no such number."""
    return item is not None and bool(item.text or item.status == "not_found")
