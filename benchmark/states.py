"""The state of a cell, from its folder alone: done, running, failed, stale or to run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmark import records
from benchmark.cells import recipe_content, resolve
from benchmark.execution.lease import holder_of
from benchmark.settings import Settings
from benchmark.specs import BaselineSpec, Cell, Seeds, State, TaskSpec


@dataclass(frozen=True)
class PlannedCell:
    """A cell, its state, and the cause of that state in words.

    Attributes:
        data_key: Content key of the data it reads; empty where they are missing.
        pretraining_data: Id of the data that its weights are trained on, where known.
    """

    cell: Cell
    state: State
    cause: str = ""
    data_key: str = ""
    pretraining_data: str = ""


def cell_outside(
    task: TaskSpec,
    variant: str,
    baseline: BaselineSpec,
    settings: Settings,
    state: State,
    cause: str,
    seeds: Seeds | None = None,
    percent: float | None = None,
    weights: str = "none",
) -> PlannedCell:
    """A cell that cannot run: it has a name, but no data and no key."""
    cell = Cell(
        kind="pretrain" if task.protocol == "pretrain" else "evaluate",
        task=task.name,
        variant=variant,
        baseline=baseline.name,
        profile=settings.profile,
        data_id="",
        weights=weights,
        seeds=seeds or Seeds(),
        label_percent=percent,
    )
    return PlannedCell(cell, state, cause)


def after_pretraining(planned: PlannedCell, pretraining: PlannedCell | None) -> PlannedCell:
    """Hold a cell back until the weights it needs are there."""
    if pretraining is None or planned.state not in ("to_run", "failed"):
        return planned
    if pretraining.state == "stale":
        cause = "its pre-training is stale; --refresh runs it again"
        return replace(planned, state="blocked", cause=cause)
    if pretraining.state != "done":
        return replace(planned, state="waiting", cause=f"for {pretraining.cell.name}")
    return planned


def state_of(cell: Cell, settings: Settings, pretraining_data: str) -> PlannedCell:
    """The state of one cell, from its folder alone.

    Args:
        cell: With its key.
        settings: Name the results folder.
        pretraining_data: Data id that its weights were trained on; a record with other
            weights is another result, not a stale one.
    """
    folder = settings.results / cell.folder
    record = records.read_or_quarantine(folder)
    if record is not None and record.cell.key == cell.key:
        return PlannedCell(cell, "done")
    holder = holder_of(folder)
    if holder is not None:
        return PlannedCell(cell, "running", f"by {holder}")
    failure = read_failure(folder)
    if failure:
        return PlannedCell(cell, "failed", failure["cause"])
    older = stale_folders(cell, settings, pretraining_data)
    if older:
        return PlannedCell(cell, "stale", _difference(older[0], cell, settings))
    return PlannedCell(cell, "to_run")


def read_failure(folder: Path) -> dict[str, Any]:
    """What `failed.json` of a folder says, or nothing."""
    try:
        content: dict[str, Any] = json.loads((folder / records.FAILED_FILE).read_text("utf-8"))
        return {"cause": "unknown", **content}
    except (OSError, json.JSONDecodeError):
        return {}


def stale_folders(cell: Cell, settings: Settings, pretraining_data: str) -> list[Path]:
    """Folders of records of the same cell whose versions, recipe or weights are older."""
    parent = (settings.results / cell.folder).parent
    prefix = f"{cell.labels}-{cell.seeds}-"
    found = []
    for folder in sorted(parent.glob(f"{prefix}*")):
        record = records.read_or_quarantine(folder)
        if record is None or record.cell.key == cell.key:
            continue
        same_data = record.pretraining.get("data_id", "") == pretraining_data
        same_options = dict(record.cell.options) == _as_json(cell.options)
        if same_data and same_options and record.cell.weights == cell.weights:
            found.append(folder)
    return found


def _as_json(options: Mapping[str, Any]) -> Any:
    return json.loads(json.dumps(dict(options)))


def _difference(folder: Path, cell: Cell, settings: Settings) -> str:
    """Name what a stale record was made with that is different now."""
    record = records.read_record(folder)
    now = resolve(cell.task, cell.variant, cell.baseline, settings)
    recipe = _as_json(recipe_content(now.recipe))
    parts = [
        f"{name} version {record.versions.get(name)} -> {version}"
        for name, version in now.versions.items()
        if record.versions.get(name) != version
    ]
    parts += [
        f"{name} {record.recipe.get(name)} -> {value}"
        for name, value in recipe.items()
        if record.recipe.get(name) != value and name != "source"
    ]
    if record.cell.depends_on != cell.depends_on:
        parts.append("other pre-trained weights")
    return "made with: " + ("; ".join(parts) or "other data or model size") + " (--refresh)"
