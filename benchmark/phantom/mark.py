"""Content of `PHANTOM.json`: parameters, rules, counts, and a checksum of all other files."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from benchmark.phantom import core
from benchmark.phantom.version import PHANTOM_VERSION
from benchmark.phantom.writers.common import Case, Setting, Written, tree_checksum
from benchmark.registry import writer_module

if TYPE_CHECKING:
    from benchmark.specs import PhantomSize

MARK = "PHANTOM.json"
CORE_PART = "core"


@dataclass
class Part:
    """What is drawn together: the core, or one further data set."""

    cases: Sequence[Case]
    written: Written = field(default_factory=Written)


def part_writer(name: str) -> Any:
    """The module that draws a part: `cases`, `write_case` and `write_tables`."""
    return core if name == CORE_PART else writer_module(name)


def describe(size: PhantomSize, setting: Setting, parts: Mapping[str, Part]) -> dict[str, Any]:
    """The mark of a phantom.

    Args:
        size: As asked for.
        setting: Its dials.
        parts: By name, after everything is written.

    Returns:
        `rules` and `counts` have one entry a further data set, by its name; the core has its own
        in both. A further data set counts cases by split, and files by ending.
    """
    everything = Written()
    rules: dict[str, str] = {}
    further: dict[str, Any] = {}
    populations = Counter(case.population for part in parts.values() for case in part.cases)
    for name, part in parts.items():
        everything.merge(Written(digests=part.written.digests))
        if name == CORE_PART:
            rules |= core.RULES
            further |= core.counts(part.written)
        else:
            rules[name] = part_writer(name).RULE
            further[name] = _counts(part)
    return {
        "phantom_version": PHANTOM_VERSION,
        "parameters": dataclasses.asdict(size),
        "dials": dataclasses.asdict(setting.dials),
        "image_rows": size.size,
        "image_columns": size.size,
        "rules": rules,
        "counts": {
            "cases": sum(populations.values()),
            "cases_by_population": dict(populations),
            **further,
        },
        "files": len(everything.digests),
        "tree_sha256": tree_checksum(everything.digests),
    }


def _counts(part: Part) -> dict[str, Any]:
    endings = Counter(PurePosixPath(path).suffix for path in part.written.digests)
    return {
        "cases": len(part.cases),
        "cases_by_split": dict(Counter(case.split for case in part.cases)),
        "files_by_ending": dict(endings),
    }
