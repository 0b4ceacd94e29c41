"""Names of baselines in folders and in tables: an outside encoder's may hold a path."""

from __future__ import annotations

import hashlib
import re
from pathlib import PureWindowsPath


def folder_name(baseline: str) -> str:
    """A baseline's name as the name of one folder: an outside encoder's may hold a path."""
    if ":" not in baseline:
        return baseline
    readable = re.sub(r"[^A-Za-z0-9_.-]+", "-", baseline)[-60:].strip("-.")
    return f"{readable}-{hashlib.sha256(baseline.encode()).hexdigest()[:8]}"


def short_name(baseline: str) -> str:
    """A baseline's name for a table: without the folders that an outside encoder's may hold."""
    if ":" not in baseline:
        return baseline
    scheme, _, target = baseline.partition(":")
    if scheme in ("timm", "open_clip"):
        model, mark, place = target.partition("@")
        return f"{scheme}:{model}{mark}{_last(place)}"
    if scheme == "hf":
        return f"{scheme}:{_last(target)}"
    place, _, function = baseline.rpartition(":")
    return f"{_last(place)}:{function}"


def _last(place: str) -> str:
    """The last part of a path of any system; a path that ends with dots has no name to show."""
    name = PureWindowsPath(place).name
    return name if name.strip(".") else "folder" if place else ""
