"""What the settings of recipes mean, as lists for a reference page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from benchmark.reporting.markdown import bullets
from benchmark.reporting.reference.settings import HIDDEN, classes_of, described, prose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmark.recipes import Recipe


def settings_legend(kinds: Sequence[type[Recipe]]) -> list[str]:
    """The fields of some recipes, a heading and a list a class, those of a common base once."""
    shown = classes_of(kinds)
    parts = []
    for kind in shown:
        above = [one.__name__ for one in kind.__mro__[1:] if one in shown]
        whole = f" It has the settings of `{above[0]}`, too." if above else ""
        lines = [
            f"{', '.join(f'`{name}`' for name in names.split(', '))}: {text}"
            for names, text in described(kind).items()
            if names not in HIDDEN
        ]
        text = f"{prose(kind)}{whole}\n\n{bullets(lines)}"
        parts += [f"### {kind.__name__}", with_traps(text)]
    return parts


def with_traps(text: str) -> str:
    """Text in which a trap's number leads to its page."""
    return re.sub(r"\btraps (\d+)", r"[traps](traps.md), \1", text)
