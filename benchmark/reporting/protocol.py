"""Was a record made by the protocol as it stands, or with fields of a recipe replaced?

A user may replace any field of a recipe (`--recipe`, `maco-bench.toml`). That is another
measurement: it is not held against a published number, and never averaged with the others.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from benchmark import registry
from benchmark.cells import recipe_content, resolve
from benchmark.errors import MacoBenchError
from benchmark.settings import Settings

if TYPE_CHECKING:
    from benchmark.reporting.select import Result
    from benchmark.specs import BaselineSpec

NO_PRETRAINING = "the record of its pre-training is not among the results: its recipe is not known"
FREE = ("source", "checkpoint_every_seconds")
"""Fields that enter no key."""


def off_protocol(item: Result, profile: str) -> str:
    """The first field in which a record differs from its protocol, or an empty text.

    Args:
        item: An evaluation record; its pre-training's recipe is looked at where it is known.
        profile: Of the record.
    """
    cell = item.cell
    if registry.is_outside(cell["baseline"]):
        wanted: Mapping[str, Any] = {}
    else:
        wanted = _protocol(cell["task"], cell["variant"], cell["baseline"], profile)
    changed = _first_difference(item.record.get("recipe") or {}, wanted)
    if changed:
        return changed
    made = item.pretraining
    if not made:
        known = (item.record.get("pretraining") or {}).get("key")
        return NO_PRETRAINING if known else ""
    baseline = known_baseline(cell["baseline"])
    if baseline is None:
        return ""
    wanted = _protocol(made["task"], made["variant"], baseline.trained_as, profile)
    changed = _first_difference(made["recipe"], wanted)
    return f"pre-training: {changed}" if changed else ""


def known_baseline(name: str) -> BaselineSpec | None:
    """A baseline of this version; None for an outside encoder, and for one that is gone."""
    if registry.is_outside(name):
        return None
    try:
        return registry.load_baseline(name)
    except MacoBenchError:
        return None


def why_not_averaged(results: Sequence[Result]) -> str:
    """Why some records are no repeats of one measurement; empty if they are.

    Two have the same seeds, or they were made by different recipes.
    """
    sets = [tuple(sorted(item.cell["seeds"].items(), key=str)) for item in results]
    if len(set(sets)) != len(sets):
        keys = ", ".join(sorted(str(item.cell["key"])[:8] for item in results))
        return f"several records with the same seeds: {keys}"
    first = results[0]
    for item in results[1:]:
        for name, one, other in (
            ("", first.record.get("recipe"), item.record.get("recipe")),
            ("pre-training ", first.pretraining.get("recipe"), item.pretraining.get("recipe")),
        ):
            changed = _first_unequal(one or {}, other or {})
            if one and other and changed:
                return f"records of several recipes: {name}`{changed}` differs"
    return ""


def _first_unequal(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    fields = (field for field in {**one, **other} if field not in FREE)
    return next((field for field in fields if one.get(field) != other.get(field)), "")


def _first_difference(recipe: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    for name, value in wanted.items():
        if name in recipe and name not in FREE and recipe[name] != value:
            return f"`{name}` is `{recipe[name]}`, the protocol's is `{value}`"
    return ""


@functools.cache
def _protocol(task: str, variant: str, baseline: str, profile: str) -> Mapping[str, Any]:
    """The recipe of a cell that nobody has replaced anything in; empty where this version has none.

    Plain as in a record, so that lists compare with lists.
    """
    try:
        resolved = resolve(task, variant, baseline, Settings(profile=profile))
    except MacoBenchError:
        return {}
    content: Mapping[str, Any] = json.loads(json.dumps(recipe_content(resolved.recipe)))
    return content
