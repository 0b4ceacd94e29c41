"""`list`: names of tasks, baselines, data sets, suites and profiles."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any

from benchmark import registry
from benchmark.commands.output import say
from benchmark.fingerprint import plain
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
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.set_defaults(handler=run)


def run(arguments: argparse.Namespace) -> int:
    """Print names with titles; as JSON, of baselines all that they declare."""
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


def encoders_of(size: Mapping[str, Any]) -> dict[str, str]:
    """Image and text encoder of a size in words; empty for a sentinel."""
    found: dict[str, str] = {}
    if "architecture" in size:
        found["image"] = str(size["architecture"])
    elif "depths" in size:
        layers = "-".join(f"{depth}" for depth in size["depths"])
        found["image"] = f"Swin, {layers} layers from {size['width']} on, patch {size['patch']}"
    elif "patch" in size:
        found["image"] = f"ViT, {size['depth']} layers of {size['width']}, patch {size['patch']}"
    if "text_width" in size:
        found["text"] = f"BERT, {size['text_depth']} layers of {size['text_width']}"
    return found


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
