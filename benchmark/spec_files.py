"""Profiles and suites from their TOML files; the file's name is the spec's name."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmark.errors import UsageError, unknown_name
from benchmark.specs import PhantomSize, Profile, Suite, SuiteEntry


def read_profile(path: Path) -> Profile:
    """The size of work that a file describes.

    Raises:
        UsageError: The file is no TOML, names itself otherwise, or has an unknown key.
    """
    content = _content(path)
    _check_keys("profile", content, Profile)
    phantom = content.pop("phantom")
    _check_keys("phantom", phantom, PhantomSize)
    return Profile(**content, phantom=PhantomSize(**phantom))


def read_suite(path: Path) -> Suite:
    """The suite that a file describes.

    Raises:
        UsageError: The file is no TOML, names itself otherwise, or has an unknown key.
    """
    content = _content(path)
    _check_keys("suite", content, Suite)
    entries = []
    for entry in content.pop("entries", []):
        _check_keys("suite entry", entry, SuiteEntry)
        lists = _lists(entry.pop("profile_baselines", {}))
        fields = {key: _tupled(value) for key, value in entry.items()}
        entries.append(SuiteEntry(profile_baselines=lists, **fields))
    return Suite(
        entries=tuple(entries),
        profile_baselines=_lists(content.pop("profile_baselines", {})),
        profile_methods=_lists(content.pop("profile_methods", {})),
        **{key: _tupled(value) for key, value in content.items()},
    )


def _lists(by_profile: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    return {profile: tuple(names) for profile, names in by_profile.items()}


def _content(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not valid TOML: {error}.") from error
    if content.get("name", path.stem) != path.stem:
        raise UsageError(f"{path} names itself `{content['name']}`.")
    return content | {"name": path.stem}


def _check_keys(what: str, content: Mapping[str, Any], kind: type) -> None:
    known = set(kind.__dataclass_fields__)  # type: ignore[attr-defined]
    for key in content:
        if key not in known:
            raise unknown_name(f"key of a {what}", key, known)


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
