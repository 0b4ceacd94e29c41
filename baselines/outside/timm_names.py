"""The models of the installed timm, read from its source so that torch is not imported."""

from __future__ import annotations

import functools
import importlib.util
import re
from pathlib import Path

from benchmark.errors import unknown_name

_REGISTERED = re.compile(r"^@register_model\s*\n(?:@.*\n)*def (\w+)\(", re.MULTILINE)


@functools.cache
def model_names() -> frozenset[str]:
    """Names of all models, without tags; empty where timm is not installed."""
    spec = importlib.util.find_spec("timm")
    if spec is None or spec.origin is None:
        return frozenset()
    found: set[str] = set()
    for path in (Path(spec.origin).parent / "models").rglob("*.py"):
        found.update(_REGISTERED.findall(path.read_text(encoding="utf-8")))
    return frozenset(found)


def check_name(name: str) -> None:
    """Refuse a misspelt model before a cell of it begins.

    Args:
        name: What the user wrote; a tag behind a point is left aside.

    Raises:
        UsageError: timm is installed and has no such model.
    """
    known = model_names()
    architecture = name.partition(".")[0]
    if known and architecture not in known:
        raise unknown_name("model of timm", architecture, known)
