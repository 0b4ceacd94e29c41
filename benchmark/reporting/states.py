"""Why a table cell without a record has none: the plan, a failure note, or the specs say it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from benchmark import registry
from benchmark.cells import why_not_applicable
from benchmark.errors import MacoBenchError
from benchmark.records import FAILED_FILE, RECORD_FILE
from benchmark.reporting.cells import Measured

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from benchmark.reporting.layout import Column
    from benchmark.reporting.select import Block, Group
    from benchmark.reporting.source import StateOf


def states_from(
    results: Path, profile: str, planned: Sequence[Any] = (), corpus: str = ""
) -> StateOf:
    """A function that explains an absent record.

    Args:
        results: Folder whose `failed.json` files are read.
        profile: Only this profile's; all where empty.
        planned: `PlannedCell`s of the same run (`cell`, `state`, `cause`); may be empty.
        corpus: A cell that failed with weights of another corpus says nothing; empty for all.
    """
    failures = _failures(results / profile if profile else results, corpus)

    def state_of(group: Group, block: Block | None, column: Column) -> Measured:
        names = {column.labels, "all"}
        for item in planned:
            cell = item.cell
            if (cell.task, cell.baseline) != (column.task, group.baseline):
                continue
            if cell.kind != "evaluate" or cell.labels not in names:
                continue
            if column.variants and cell.variant not in column.variants:
                continue
            if block is not None and cell.data_id and cell.data_id != block.data_id:
                continue
            if item.state == "not_applicable":
                return Measured("not_applicable", reason=str(item.cause))
            if item.state == "failed":
                return Measured("failed", reason=_short(str(item.cause)))
            if item.state in ("blocked", "waiting"):
                return Measured("not_run", reason=_short(str(item.cause)))
        reason = why_absent(column.task, group.baseline)
        if reason is not None:
            return reason
        for label in sorted(names) if block else ():
            assert block is not None
            key = (block.data_id, f"{block.task}@{block.variant}", group.baseline, label)
            if key in failures:
                return Measured("failed", reason=failures[key])
        return Measured("not_run")

    return state_of


def stale_cells(planned: Iterable[Any]) -> dict[str, str]:
    """By name: the key of each planned cell whose record was made with other settings or versions.

    Args:
        planned: `PlannedCell`s.
    """
    return {item.cell.name: str(item.cell.key) for item in planned if item.state == "stale"}


def why_absent(task: str, baseline: str) -> Measured | None:
    """What the specs alone say: no such task or baseline, or a capability that is lacking."""
    if task not in registry.task_names():
        return Measured("not_run", reason=f"this version has no task `{task}`")
    if registry.is_outside(baseline):
        return None
    if baseline.partition("+")[0] not in registry.baseline_names():
        return Measured("not_run", reason=f"this version has no baseline `{baseline}`")
    try:
        reason = why_not_applicable(registry.load_task(task), registry.load_baseline(baseline))
    except MacoBenchError as error:
        return Measured("not_run", reason=_short(error.problem))
    return Measured("not_applicable", reason=reason) if reason else None


def _failures(top: Path, corpus: str) -> dict[tuple[str, str, str, str], str]:
    """Reason by data id, task@variant, baseline and labels, from the notes beside no record.

    The folder's name holds the cell: `DATA/TASK@VARIANT/BASELINE/LABELS-SEEDS-KEY8`.
    """
    found = {}
    for path in sorted(top.rglob(FAILED_FILE)):
        if (path.parent / RECORD_FILE).exists() or len(path.parts) < 5:
            continue
        data_id, task, baseline, cell = path.parts[-5:-1]
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (json.JSONDecodeError, UnicodeDecodeError):
            content = {}
        if corpus and content.get("corpus") not in (None, "", corpus):
            continue
        why = next((content[key] for key in ("cause", "error", "why") if content.get(key)), "")
        key = (data_id, task, baseline, cell.partition("-")[0])
        found[key] = _short(str(why) or "no reason stored")
    return found


def _short(text: str, limit: int = 160) -> str:
    """The first line, cut: a table is no place for a trace."""
    line = next((part.strip() for part in text.splitlines() if part.strip()), "")
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
