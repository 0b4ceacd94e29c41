"""Markdown building blocks: tables by tabulate, numbered footnotes, escaping."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tabulate import tabulate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Footnotes:
    """Numbers reasons in order of first use; equal reasons share a number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def mark(self, text: str) -> str:
        """` [n]` for a reason, or nothing for an empty one."""
        if not text:
            return ""
        number = self._numbers.setdefault(text, len(self._numbers) + 1)
        return f" [{number}]"

    def lines(self) -> list[str]:
        """One list item for each reason."""
        return [f"- [{number}] {text}" for text, number in self._numbers.items()]


def escaped(text: str) -> str:
    """Text that cannot end a table cell: no bar, no line break."""
    return " ".join(text.replace("|", "\\|").split())


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], text_columns: int = 1) -> str:
    """A GitHub table whose first columns are text, left-aligned, and the others right-aligned."""
    body = [[escaped(cell) for cell in row] for row in rows]
    align = ["left"] * text_columns + ["right"] * (len(headers) - text_columns)
    text: str = tabulate(
        body,
        headers=[escaped(item) for item in headers],
        tablefmt="pipe",
        colalign=align if body else None,
        disable_numparse=True,
    )
    return text


def document(parts: Iterable[str]) -> str:
    """Paragraphs, one blank line between them, one line break at the end."""
    return "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"


def bullets(lines: Iterable[str]) -> str:
    """A list, one item a line."""
    return "\n".join(f"- {line}" for line in lines)
