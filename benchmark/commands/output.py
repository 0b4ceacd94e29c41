"""The only place that prints: standard output for results, standard error for the rest."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from benchmark import registry
from benchmark.plan import EVERY, Plan
from benchmark.states import PlannedCell

_ORDER = (
    "done",
    "to_run",
    "waiting",
    "running",
    "stale",
    "failed",
    "blocked",
    "not_applicable",
)


def say(text: str = "") -> None:
    """One piece of a result, to standard output."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def hint(text: str) -> None:
    """A remark, to standard error."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def plan_lines(plan: Plan) -> list[str]:
    """A plan as text: counts, then every cell; equal causes are said once."""
    lines = [counts_line(plan), *left_out_lines(plan)]
    width = max((len(item.cell.name) for item in plan.cells), default=0)
    for item in plan.cells:
        cause = f"  {item.cause}" if item.cause and item.state != "blocked" else ""
        lines.append(f"  {item.state:<14} {item.cell.name:<{width}}{cause}".rstrip())
    stale = plan.in_state("stale")
    if stale:
        lines.append(
            f"stale, {len(stale)} cells: made with other settings or versions, and shown as they "
            "are; --refresh runs them anew"
        )
    for cause, cells in _by_cause(plan.in_state("blocked")).items():
        lines.append(f"blocked, {len(cells)} cells: {cause}")
    return lines


def data_lines(plan: Plan) -> list[str]:
    """The profile, then every data set that the cells read; what is synthetic says so."""
    found = dict.fromkeys(item.cell.data_id for item in plan.cells if item.cell.data_id)
    marked = (f"{name} (phantom: drawn, not real)" if "phantom" in name else name for name in found)
    return [f"profile {plan.settings.profile}", *(f"data {name}" for name in marked)]


def counts_line(plan: Plan) -> str:
    """`12 cells: 8 done, 4 to_run`."""
    counts = plan.counts()
    parts = [f"{counts[state]} {state}" for state in _ORDER if state in counts]
    return f"{len(plan.cells)} cells: " + ", ".join(parts)


def left_out_lines(plan: Plan) -> list[str]:
    """Which methods `--baselines all` has no time for in this profile: one line, or none."""
    if EVERY not in plan.settings.baselines:
        return []
    planned = {item.cell.baseline for item in plan.cells}
    others = [name for name in registry.method_names() if name not in planned]
    if not others:
        return []
    profile = plan.settings.profile
    return [
        f"all: what profile {profile} has time for; {len(others)} more methods run where they "
        f"are named: {', '.join(others)}"
    ]


def _by_cause(cells: Sequence[PlannedCell]) -> dict[str, list[PlannedCell]]:
    found: dict[str, list[PlannedCell]] = {}
    for item in cells:
        found.setdefault(item.cause.replace("its pre-training is blocked: ", ""), []).append(item)
    return found


def plan_json(plan: Plan) -> dict[str, object]:
    """A plan as plain data."""
    cells = [
        {
            "name": item.cell.name,
            "state": item.state,
            "cause": item.cause,
            "data_id": item.cell.data_id,
            "weights": item.cell.weights,
            "key": item.cell.key,
            "folder": str(plan.settings.results / item.cell.folder) if item.cell.key else "",
        }
        for item in plan.cells
    ]
    return {
        "suite": plan.suite.name,
        "profile": plan.settings.profile,
        "counts": plan.counts(),
        "cells": cells,
    }


def exit_code(plan: Plan, planned_only: bool = False) -> int:
    """0 all done, 1 something failed, 3 nothing failed but something is blocked."""
    if plan.in_state("failed") and not planned_only:
        return 1
    return 3 if plan.in_state("blocked") else 0
