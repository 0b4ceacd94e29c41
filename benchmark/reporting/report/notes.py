"""Footnotes of a grid: numbered in order of first use; equal reasons share a number."""

from __future__ import annotations


class Footnotes:
    """Collects the reasons of one grid."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def mark(self, *reasons: str) -> tuple[int, ...]:
        """The numbers of some reasons; none for an empty one."""
        return tuple(
            dict.fromkeys(
                self._numbers.setdefault(reason, len(self._numbers) + 1)
                for reason in reasons
                if reason
            )
        )

    def texts(self) -> tuple[str, ...]:
        """The reasons, number 1 first."""
        return tuple(self._numbers)


def sentence(reason: str) -> str:
    """A reason as a footnote: a capital letter where it begins with a plain word, a full stop."""
    if not reason:
        return ""
    text = reason[0].upper() + reason[1:]
    return text if text.endswith((".", "?", "!", "…")) else f"{text}."
