"""What of a grounding phrase reaches the text encoder (MaCo's grounding script)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

SHORTEST = 5
"""Pieces up to this length are left out."""


def clean_phrase(phrase: str, generator: np.random.Generator | None = None) -> str:
    """The pieces between full stops that are worth reading, in lower case.

    A piece stays when it is longer than five characters, has no underscore (the mark of removed
    names) and does not start with a comma. The official code ends with an empty text where no
    piece stays; here the whole phrase is kept instead.

    Args:
        phrase: As annotated.
        generator: Shuffles the pieces, as the official code does; None keeps their order.
    """
    pieces = [piece.strip() for piece in phrase.split(".")]
    kept = [
        piece.lower()
        for piece in pieces
        if len(piece) > SHORTEST and "_" not in piece and not piece.startswith(",")
    ]
    if not kept:
        return phrase.strip().lower()
    if generator is not None:
        generator.shuffle(kept)
    return " ".join(f"{piece}." for piece in kept)


def phrase_for(label: str, phrase: str) -> str:
    """The annotated phrase, or a stated one for data sets whose boxes have a label alone."""
    return phrase if phrase.strip() else f"Findings suggesting {label.lower()}."
