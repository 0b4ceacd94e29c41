"""A table as records of plain values, one for each cell: what CSV and JSON hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmark.reporting.model import Head, Line, Sheet, TableCell, TablePage

FIELDS = (
    "table", "sheet", "row", "form", "role", "baseline", "column", "task", "variant", "data_id",
    "labels", "metric", "phantom", "broken", "profile", "state", "value", "low", "high",
    "sampling_low", "sampling_high", "sd_pretrain", "sd_subset", "sd_head", "pretrain_seeds",
    "subset_seeds", "head_seeds", "paired_verdict", "mark", "to_best", "to_best_low",
    "to_best_high", "to_best_p", "smallest_detectable", "published", "published_status",
    "difference", "reproduction", "reason", "records",
)  # fmt: skip
"""Columns of the CSV and keys of the JSON; all numbers are fractions, not percent."""


def cell_rows(page: TablePage) -> Iterator[dict[str, Any]]:
    """One record for each cell of each sheet, other data included; None where there is nothing."""
    levels = [(page.sheets, page.phantom, bool(page.faults))]
    levels += [(other.sheets, other.phantom, bool(other.faults)) for other in page.others]
    for sheets, phantom, broken in levels:
        for sheet in sheets:
            for line in sheet.lines:
                for head, cell in zip(sheet.heads, line.cells, strict=True):
                    yield {
                        "table": page.name,
                        "profile": page.profile,
                        "phantom": phantom,
                        "broken": broken,
                        **_place(sheet, line, head),
                        **_measured(cell),
                        **_compared(cell),
                    }


def _place(sheet: Sheet, line: Line, head: Head) -> dict[str, Any]:
    texts = dict(zip(sheet.text_heads, line.texts, strict=True))
    return {
        "sheet": sheet.title,
        "row": line.texts[0],
        "form": texts.get("Form", ""),
        "role": line.role,
        "baseline": line.baseline,
        "column": head.title,
        "task": head.task,
        "variant": head.variant,
        "data_id": head.data_id,
        "labels": head.labels,
        "metric": head.metric,
    }


def _measured(cell: TableCell) -> dict[str, Any]:
    found = cell.measured
    low, high = found.interval or (None, None)
    sampling_low, sampling_high = found.sampling or found.interval or (None, None)
    seeds = found.seeds or {}
    return {
        "state": found.state,
        "value": found.value,
        "low": low,
        "high": high,
        "sampling_low": sampling_low,
        "sampling_high": sampling_high,
        **{f"sd_{axis}": found.spread.get(axis) for axis in ("pretrain", "subset", "head")},
        **{f"{axis}_seeds": list(seeds.get(axis, ())) for axis in ("pretrain", "subset", "head")},
        "paired_verdict": found.verdict,
        "reason": found.reason,
        "records": list(cell.keys),
    }


def _compared(cell: TableCell) -> dict[str, Any]:
    beside, best = cell.beside, cell.to_best
    low, high = (best.found.interval if best else None) or (None, None)
    reason = beside.reason if beside else ""
    return {
        "mark": cell.mark,
        "to_best": best.found.difference if best else None,
        "to_best_low": low,
        "to_best_high": high,
        "to_best_p": best.found.p_value if best else None,
        "smallest_detectable": best.found.smallest_detectable if best else None,
        "published": beside.value if beside else None,
        "published_status": beside.status if beside else "",
        "difference": beside.difference if beside else None,
        "reproduction": beside.verdict if beside else "",
        "reason": "; ".join(part for part in (cell.measured.reason, reason) if part),
    }
