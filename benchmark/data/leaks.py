"""What it means that a split leaks, told from the counts that a split or a record holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_PARTS = ("train", "validation", "test")
_WORDS = {"train": "training", "validation": "validation", "test": "test"}


@dataclass(frozen=True)
class SharedPair:
    """Two parts of one split that have something in common."""

    first: str
    second: str
    images: int
    patients: int

    def __str__(self) -> str:
        counts = [
            f"{count:,} {name}"
            for count, name in ((self.images, "images"), (self.patients, "patients"))
            if count
        ]
        where = f"{_WORDS[self.first]} and {_WORDS[self.second]}"
        return f"{' and '.join(counts)} stand in both {where}"


def shared_pairs(overlaps: Mapping[str, Any]) -> list[SharedPair]:
    """The pairs of parts that share an image or a patient.

    Args:
        overlaps: `SplitRows.overlaps`, or the field `leaks` of a record: counts by pair such as
            `train-test`. Entries that are no pair of parts are passed over, so that the counts
            of a pre-training record give none.
    """
    found = []
    for name, counts in overlaps.items():
        first, _, second = name.partition("-")
        if first in _PARTS and second in _PARTS:
            images, patients = int(counts["images"]), int(counts["patients"])
            if images or patients:
                found.append(SharedPair(first, second, images, patients))
    return found


def leaks(overlaps: Mapping[str, Any]) -> bool:
    """Whether any two parts of the split share an image or a patient."""
    return bool(shared_pairs(overlaps))


def leak_sentence(overlaps: Mapping[str, Any]) -> str:
    """What is shared, as one sentence for a table's footer; empty for a clean split."""
    pairs = shared_pairs(overlaps)
    if not pairs:
        return ""
    return "The split leaks: " + "; ".join(str(pair) for pair in pairs) + "."
