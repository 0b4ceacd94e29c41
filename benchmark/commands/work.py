"""`plan`, `run` and `run-all`: what is to be done, and doing it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from benchmark.commands.options import add_data, add_work, settings_from
from benchmark.commands.output import (
    counts_line,
    data_lines,
    exit_code,
    hint,
    left_out_lines,
    plan_json,
    plan_lines,
    say,
)
from benchmark.errors import UsageError
from benchmark.packages import require_models
from benchmark.plan import Plan, make_plan
from benchmark.progress import Display
from benchmark.settings import Settings


def add(commands: Any) -> None:
    """Register the commands."""
    plan = commands.add_parser("plan", help="show every cell, its state and the cause")
    plan.set_defaults(handler=show_plan)
    run = commands.add_parser("run", help="run one task with one baseline")
    run.add_argument("task", help="name, or name@variant")
    run.add_argument("--baseline", required=True)
    run.set_defaults(handler=run_one)
    everything = commands.add_parser("run-all", help="plan, run and write the tables of a suite")
    add_run_all(everything)
    for parser in (plan, run):
        add_work(parser)
        add_data(parser)


def add_run_all(parser: argparse.ArgumentParser) -> None:
    """Options of `run-all`, which are those of `run_all.py`."""
    add_work(parser)
    add_data(parser)
    parser.set_defaults(handler=run_all)


def show_plan(arguments: argparse.Namespace) -> int:
    """`plan`."""
    plan = _plan(settings_from(arguments), arguments.json)
    _show(plan, arguments.json)
    return exit_code(plan, planned_only=True)


def run_one(arguments: argparse.Namespace) -> int:
    """`run TASK --baseline B`: the task's cells, and the pre-training that they need."""
    if arguments.tasks or arguments.baselines:
        raise UsageError("`run` takes one TASK and one --baseline; `run-all` takes lists.")
    arguments.tasks, arguments.baselines = (arguments.task,), (arguments.baseline,)
    plan = _plan(settings_from(arguments), arguments.json)
    if arguments.dry_run:
        _show(plan, arguments.json)
        return exit_code(plan, planned_only=True)
    if not arguments.json:
        say("\n".join(data_lines(plan)))
    plan = execute(plan, arguments.json)
    _show_results(plan, arguments.json)
    return exit_code(plan)


def run_all(arguments: argparse.Namespace) -> int:
    """`run-all`: plan, run, tables."""
    plan = _plan(settings_from(arguments), arguments.json)
    if arguments.dry_run:
        _show(plan, arguments.json)
        return exit_code(plan, planned_only=True)
    hint("\n".join([*data_lines(plan), counts_line(plan), *left_out_lines(plan)]))
    plan = execute(plan, arguments.json)
    from benchmark.commands.tables import suite_tables

    written = suite_tables(plan.settings, plan.cells)
    if arguments.json:
        say(json.dumps({**plan_json(plan), "tables": [str(path) for path in written]}, indent=1))
    else:
        for line in plan_lines(plan):
            hint(line)
        _print_tables(written)
    return exit_code(plan)


def _print_tables(written: list[Path]) -> None:
    for path in written:
        if not path.stem.endswith("_details"):
            say(path.read_text(encoding="utf-8"))
    for path in written:
        say(f"wrote {path}")


def _plan(settings: Settings, quiet: bool) -> Plan:
    with Display(0, quiet) as display:
        return make_plan(settings, display.callable("phantom"))


def execute(plan: Plan, quiet: bool = False) -> Plan:
    """Run a plan's cells; what would lose hours later is tried first.

    Raises:
        UsageError: The results folder cannot be written, or a package is not installed.
    """
    from benchmark.execution.local import run_plan
    from benchmark.training.log import require_package

    settings = plan.settings
    total = len(plan.in_state("to_run", "failed", "waiting", "running"))
    total += len(plan.in_state("stale")) * settings.refresh
    require_package(settings.log)
    if total:
        require_models("A run")
    try:
        settings.results.mkdir(parents=True, exist_ok=True)
        trial = settings.results / ".writable"
        trial.touch()
        trial.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(
            f"The results folder cannot be written: {error}.", looked_in=[settings.results]
        ) from error
    with Display(total, quiet) as display:
        return run_plan(plan, display)


def _show(plan: Plan, as_json: bool) -> None:
    if as_json:
        say(json.dumps(plan_json(plan), indent=1))
        return
    for line in (*data_lines(plan), *plan_lines(plan)):
        say(line)


def _show_results(plan: Plan, as_json: bool) -> None:
    """Scores of the cells of `run`, from their records."""
    from benchmark.records import read_record, to_dict

    if as_json:
        done = plan.in_state("done")
        found = [to_dict(read_record(plan.settings.results / item.cell.folder)) for item in done]
        say(json.dumps({**plan_json(plan), "records": found}, indent=1))
        return
    for line in plan_lines(plan):
        say(line)
    for item in plan.in_state("done"):
        record = read_record(plan.settings.results / item.cell.folder)
        for name, metric in record.metrics.items():
            value = f"{metric.value:.4f}" if metric.value is not None else f"({metric.why})"
            low_high = metric.interval
            interval = f" [{low_high[0]:.4f}, {low_high[1]:.4f}]" if low_high else ""
            say(f"{item.cell.name}  {name} {value}{interval}")
