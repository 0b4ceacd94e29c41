"""Examines a data set on the disk: files, counts, unreadable images, leaks in published lists."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.data.images import read_grey
from benchmark.data.splits import PARTS
from benchmark.errors import BadDataError
from benchmark.registry import source_module
from benchmark.seeds import generator_from

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from benchmark.data.manifest import Manifest, SourceSpec

SAMPLE = 50


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
        for name, count in self.found.items():
            expected = self.expected.get(name)
            hint = f" (expected about {expected:,})" if expected else ""
            lines.append(f"{name}: {count:,}{hint}")
        for name, count in self.splits.items():
            expected = self.expected.get(name)
            hint = f" (expected about {expected:,})" if expected else ""
            lines.append(f"split {name or '(none)'}: {count:,} images{hint}")
        lines += [f"positive {name}: {count:,}" for name, count in self.positives.items()]
        first = f", first: {', '.join(self.first_absent)}" if self.first_absent else ""
        lines.append(f"listed but absent: {self.absent:,}{first}")
        lines.append(f"opened: {self.opened:,}, unreadable: {len(self.unreadable):,}")
        lines += [f"  {message}" for message in self.unreadable]
        for name, content in self.lists.items():
            lines += [f"list {name}, {key}: {_counts(value)}" for key, value in content.items()]
        lines += [f"{pair}: {_counts(shared)}" for pair, shared in self.across.items()]
        return lines


def examine(
    source_name: str,
    root: Path,
    *,
    full: bool = False,
    lists_root: Path | None = None,
    options: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> DoctorReport:
    """Read a data set, open some of its images, count what its lists share.

    Args:
        source_name: Name of a reader.
        root: Folder of the data set.
        full: Open every image, not a random sample of 50.
        lists_root: Folder of published lists.
        options: Further arguments of the reader.
        seed: Of the sample.

    Raises:
        MissingDataError: Tables are absent, or every image is.
    """
    module = source_module(source_name)
    source: SourceSpec = module.SOURCE
    manifest: Manifest = module.read(
        root, allow_partial=True, lists_root=lists_root, **(options or {})
    )
    rows = np.arange(len(manifest))
    if not full and len(rows) > SAMPLE:
        rows = np.sort(generator_from("doctor", seed).choice(rows, SAMPLE, replace=False))
    table = manifest.images
    splits = table["split"].value_counts()
    return DoctorReport(
        dataset=source.name,
        title=source.title,
        release=manifest.release,
        root=str(manifest.root),
        licence=source.licence,
        found={
            "images": len(manifest),
            "patients": int(table["patient"].nunique()),
            "studies": int(table["study"].nunique()),
            "boxes": len(manifest.boxes),
            "reports": len(manifest.reports),
        },
        expected=dict(source.expected),
        absent=manifest.partial,
        first_absent=tuple(manifest.missing),
        opened=len(rows),
        unreadable=_unreadable(manifest, rows),
        splits={str(name): int(count) for name, count in splits.items()},
        positives={name: int((manifest.labels[name] == 1).sum()) for name in manifest.classes},
        lists={name: _list_facts(manifest, frame) for name, frame in manifest.lists.items()},
        across=_across(manifest),
        phantom=manifest.phantom,
    )


def _unreadable(manifest: Manifest, rows: np.ndarray) -> tuple[str, ...]:
    def attempt(path: str) -> str:
        try:
            read_grey(manifest.root / path)
        except BadDataError as error:
            return error.problem
        return ""

    paths = [str(path) for path in manifest.images["path"].iloc[rows]]
    with ThreadPoolExecutor() as pool:
        return tuple(message for message in pool.map(attempt, paths) if message)


def _list_facts(manifest: Manifest, frame: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Counts per part and shared images and patients per pair of parts.

    Patients are known for images that the manifest holds only.
    """
    facts: dict[str, dict[str, int]] = {}
    known = set(manifest.images["image"])
    parts = {part: set(frame.loc[frame["split"] == part, "image"]) for part in PARTS}
    for part, names in parts.items():
        facts[part] = {"listed": len(names), "present": len(names & known)}
    for percent in (1, 10, 100):
        facts[f"train {percent} %"] = {"listed": int(frame[f"in_{percent}"].sum())}
    for first, second in (("train", "validation"), ("train", "test"), ("validation", "test")):
        facts[f"{first} and {second}"] = _shared(manifest, parts[first], parts[second])
    return facts


def _shared(manifest: Manifest, first: set[str], second: set[str]) -> dict[str, int]:
    images, patients = manifest.images["image"], manifest.images["patient"]
    owners = [set(patients[images.isin(names)]) for names in (first, second)]
    return {"images": len(first & second), "patients": len(owners[0] & owners[1])}


def _across(manifest: Manifest) -> dict[str, dict[str, int]]:
    """What the training part of a list shares with the test part of every other one."""
    found = {}
    for name, frame in manifest.lists.items():
        for other, other_frame in manifest.lists.items():
            if name != other:
                train = set(frame.loc[frame["split"] == "train", "image"])
                test = set(other_frame.loc[other_frame["split"] == "test", "image"])
                found[f"{name} train and {other} test"] = _shared(manifest, train, test)
    return found


def _counts(values: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in values.items())
