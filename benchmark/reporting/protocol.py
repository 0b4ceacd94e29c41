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
    trained = registry.load_baseline(cell["baseline"]).trained_as
    wanted = _protocol(made["task"], made["variant"], trained, profile)
    changed = _first_difference(made["recipe"], wanted)
    return f"pre-training: {changed}" if changed else ""


def of_several_recipes(results: Sequence[Result]) -> str:
    """Why some records must not be averaged: they were made by different recipes; else empty."""
    first = results[0]
    for item in results[1:]:
        for name, one, other in (
            ("", first.record.get("recipe"), item.record.get("recipe")),
            ("pre-training ", first.pretraining.get("recipe"), item.pretraining.get("recipe")),
        ):
            if one and other and one != other:
                field = next(key for key in {**one, **other} if one.get(key) != other.get(key))
                return f"records of several recipes: {name}`{field}` differs"
    return ""


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
