"""Checks options that are one of a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmark.errors import unknown_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def check_choices(options: Mapping[str, Any], choices: Mapping[str, Sequence[str]]) -> None:
    """Raise a usage error for a word that an option does not know.

    Args:
        options: Of a method.
        choices: The words that each of some options knows.
    """
    for name, known in choices.items():
        if options[name] not in known:
            raise unknown_name(f"value of option `{name}`", str(options[name]), known)
