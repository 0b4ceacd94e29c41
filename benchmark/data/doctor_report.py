"""What the doctor found in a data set, as plain data and as lines of text."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmark.data.leaks import leak_sentence


@dataclass(frozen=True)
class DoctorReport:
    """What was found.

    Attributes:
        found: Counts of images, patients, studies, boxes and reports.
        expected: Of the full release; users may hold less.
        absent: Listed images that are not there.
        first_absent: Ids of the first few of them.
        opened: Image files that were opened.
        unreadable: Messages of those that could not be read.
        splits: Images by split, as the data set says.
        positives: Positive images by class.
        lists: By published list: images per part, and shared images and patients per pair.
        across: The same between the training part of one list and the test part of another.
        named_splits: By name of a split that is not `clean` and no list: images by part, what a
            complete set gives (`published`), or why it cannot be made.
        phantom: Version mark of synthetic data, or None.
    """

    dataset: str
    title: str
    release: str
    root: str
    licence: str
    found: Mapping[str, int]
    expected: Mapping[str, int]
    absent: int
    first_absent: Sequence[str]
    opened: int
    unreadable: Sequence[str]
    splits: Mapping[str, int]
    positives: Mapping[str, int]
    lists: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    across: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    named_splits: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    phantom: Mapping[str, Any] | None = None

    @property
    def healthy(self) -> bool:
        """Whether every listed image is there and every opened one readable."""
        return not self.absent and not self.unreadable

    def as_json(self) -> dict[str, Any]:
        """Plain content for `--json`."""
        return {**dataclasses.asdict(self), "healthy": self.healthy}

    def lines(self) -> list[str]:
        """The report as lines of text."""
        mark = " (PHANTOM: synthetic)" if self.phantom is not None else ""
        lines = [f"{self.title} [{self.release}]{mark}", f"folder: {self.root}"]
        lines += [f"{name}: {self._against(count, name)}" for name, count in self.found.items()]
        for name, count in self.splits.items():
            lines.append(f"split {name or '(none)'}: {self._against(count, name, ' images')}")
        lines += _split_lines(self.named_splits)
        lines += [f"positive {name}: {count:,}" for name, count in self.positives.items()]
        first = f", first: {', '.join(self.first_absent)}" if self.first_absent else ""
        lines.append(f"listed but absent: {self.absent:,}{first}")
        lines.append(f"opened: {self.opened:,}, unreadable: {len(self.unreadable):,}")
        lines += [f"  {message}" for message in self.unreadable]
        for name, content in self.lists.items():
            lines += [f"list {name}, {key}: {_counts(value)}" for key, value in content.items()]
            lines.append(f"list {name}: {leak_sentence(_as_pairs(content)) or 'no leak'}")
        lines += [f"{pair}: {_counts(shared)}" for pair, shared in self.across.items()]
        return lines

    def _against(self, count: int, name: str, unit: str = "") -> str:
        """A count beside the one of the full release, where the two differ."""
        expected = self.expected.get(name)
        hint = f" (expected about {expected:,})" if expected and expected != count else ""
        return f"{count:,}{unit}{hint}"


def _split_lines(splits: Mapping[str, Mapping[str, Any]]) -> list[str]:
    lines = []
    for name, entry in splits.items():
        if "why" in entry:
            lines.append(f"split `{name}`: {entry['why']}")
            continue
        published = entry.get("published", {})
        parts = [
            f"{part} {count:,}"
            + (f" (published {published[part]:,})" if published.get(part, count) != count else "")
            for part, count in entry["images"].items()
        ]
        equal = published and all(entry["images"][part] == published[part] for part in published)
        mark = " as published" if equal else ""
        lines.append(f"split `{name}`{mark}: {', '.join(parts)}")
    return lines


def _as_pairs(content: Mapping[str, Any]) -> dict[str, Any]:
    return {key.replace(" and ", "-"): value for key, value in content.items() if " and " in key}


def _counts(values: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in values.items())
