"""`list`: names of tasks, baselines, data sets, suites and profiles."""

from __future__ import annotations

import argparse
import json
from typing import Any

from benchmark import registry
from benchmark.commands.output import say

KINDS = {
    "tasks": registry.task_names,
    "baselines": registry.baseline_names,
    "datasets": registry.source_names,
    "suites": registry.suite_names,
    "profiles": registry.profile_names,
}


def add(commands: Any) -> None:
    """Register `list`."""
    parser = commands.add_parser("list", help="names of what there is")
    parser.add_argument("kind", choices=list(KINDS))
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.set_defaults(handler=run)


def run(arguments: argparse.Namespace) -> int:
    """Print names, with titles where they cost nothing."""
    found = [{"name": name, "title": _title(arguments.kind, name)} for name in _names(arguments)]
    if arguments.json:
        say(json.dumps(found, indent=1))
        return 0
    width = max((len(item["name"]) for item in found), default=0)
    for item in found:
        say(f"{item['name']:<{width}}  {item['title']}".rstrip())
    return 0


def _names(arguments: argparse.Namespace) -> list[str]:
    return KINDS[arguments.kind]()


def _title(kind: str, name: str) -> str:
    if kind == "tasks":
        return registry.load_task(name).title
    if kind == "baselines":
        return registry.load_baseline(name).title
    if kind == "suites":
        return registry.load_suite(name).title
    if kind == "datasets":
        return registry.load_source(name).title
    size = registry.load_profile(name)
    return f"models: {size.model_size}, images stored at {size.store_size} px"
