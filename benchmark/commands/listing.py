"""`list`: names of tasks, baselines, data sets, suites and profiles."""

from __future__ import annotations

import argparse
import json
from typing import Any

from benchmark import registry
from benchmark.commands.output import say
from benchmark.errors import UsageError
from benchmark.fingerprint import plain
from benchmark.reporting.reference.encoders import encoders_of
from benchmark.specs import BaselineSpec

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
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="machine-readable output")
    form.add_argument(
        "--markdown",
        action="store_true",
        help="the reference page of tasks, baselines or datasets",
    )
    parser.set_defaults(handler=run)


def run(arguments: argparse.Namespace) -> int:
    """Print names with titles; as JSON, of baselines all that they declare; or a page."""
    if arguments.markdown:
        say(_page(arguments.kind).removesuffix("\n"))
        return 0
    found: list[dict[str, Any]] = [
        {"name": name, "title": _title(arguments.kind, name)} for name in _names(arguments)
    ]
    if arguments.json:
        if arguments.kind == "baselines":
            found = [described(registry.load_baseline(item["name"])) for item in found]
        say(json.dumps(found, indent=1))
        return 0
    width = max((len(item["name"]) for item in found), default=0)
    for item in found:
        say(f"{item['name']:<{width}}  {item['title']}".rstrip())
    return 0


def described(spec: BaselineSpec) -> dict[str, Any]:
    """What a baseline declares; its encoders are those of the real size."""
    return {
        "name": spec.name,
        "title": spec.title,
        "kind": spec.kind,
        "capabilities": list(spec.capabilities),
        "without": spec.no_capability_reason,
        "protocols": list(spec.protocols),
        "encoders": encoders_of(spec.sizes.get("paper", {})),
        "house": spec.house,
        "source": spec.source,
        "licence": spec.licence,
        "released": spec.released,
        "extra_annotation": spec.extra_annotation,
        "options": plain(spec.options),
        "version": spec.version,
    }


def _page(kind: str) -> str:
    """The reference page of a kind, all values from the specs."""
    from benchmark.reporting.reference.baselines import baselines_page
    from benchmark.reporting.reference.protocols import protocols_page
    from benchmark.reporting.reference.sources import sources_page

    pages = {"tasks": protocols_page, "baselines": baselines_page, "datasets": sources_page}
    if kind not in pages:
        raise UsageError(
            f"There is no page of {kind}.", remedy=f"There is one of {', '.join(pages)}."
        )
    return pages[kind]()


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
