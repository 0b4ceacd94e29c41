"""Titles, and the sentences that captions share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.reporting.cells import seeds_of, seeds_text
from benchmark.reporting.select import picked

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmark.reporting.figures.material import Material, Shown
    from benchmark.reporting.select import Block


def block_name(block: Block, what: str = "") -> str:
    """`what: task@variant`, with the phantom's mark."""
    name = f"{block.task}@{block.variant}" + (" (phantom)" if block.phantom else "")
    return f"{what}: {name}" if what else name


def joined(sentences: Iterable[str]) -> str:
    """Sentences one after the other; empty ones are left out."""
    return " ".join(sentence for sentence in sentences if sentence)


def data_sentence(blocks: Iterable[Block], profile: str) -> str:
    """Which data, and whether they are synthetic."""
    names = sorted({(block.data_id, block.phantom) for block in blocks})
    told = ", ".join(
        f"{name} (phantom: synthetic radiographs)" if phantom else name for name, phantom in names
    )
    return f"Data: {told}. Profile: {profile}."


def seeds_sentence(material: Material, block: Block, shown: Sequence[Shown]) -> str:
    """Which seeds the records have that stand for their methods."""
    text = seeds_text(seeds_of([item.result for item in shown]))
    several = any(
        len(picked(material.results, item.method.group, block, item.result.labels)) > 1
        for item in shown
    )
    if several:
        return f"Of several seeds the first ones are shown: {text}."
    return "" if text == "–" else f"Seeds: {text}."


def labels_sentence(material: Material, block: Block) -> str:
    """Which label fraction is shown, where there is one."""
    fractions = material.fractions(block)
    if not fractions:
        return ""
    others = ", the largest of " + ", ".join(fractions) if len(fractions) > 1 else ""
    return f"Trained with {fractions[-1]} % of the labels{others}."


def left_out_sentence(left_out: Sequence[Shown]) -> str:
    """Which methods had no room."""
    titles = ", ".join(item.method.title for item in left_out)
    return f"Not shown for want of room: {titles}." if titles else ""


def keys_of(shown: Iterable[Shown]) -> tuple[str, ...]:
    """Keys of the cells, sorted."""
    return tuple(sorted(item.key for item in shown))
