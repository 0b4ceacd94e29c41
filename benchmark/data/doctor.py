"""Examines a data set on the disk: files, counts, unreadable images, leaks in published lists."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.data.doctor_report import DoctorReport
from benchmark.data.images import read_grey
from benchmark.data.list_facts import rules_of
from benchmark.data.splits import PARTS, split_rows
from benchmark.errors import BadDataError, LeakError, MissingDataError
from benchmark.registry import source_module
from benchmark.seeds import generator_from

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

    from benchmark.data.manifest import Manifest, SourceSpec

SAMPLE = 50


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
    # A phantom is drawn in any size: no published count speaks of it.
    expected = dict(source.expected) if manifest.phantom is None else {}
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
        expected=expected,
        absent=manifest.partial,
        first_absent=tuple(manifest.missing),
        opened=len(rows),
        unreadable=_unreadable(manifest, rows),
        splits={str(name): int(count) for name, count in splits.items()},
        positives={name: int((manifest.labels[name] == 1).sum()) for name in manifest.classes},
        lists={
            name: _list_facts(manifest, name, frame, expected)
            for name, frame in manifest.lists.items()
        },
        across=_across(manifest),
        named_splits=_named_splits(manifest),
        phantom=manifest.phantom,
    )


def _unreadable(manifest: Manifest, rows: np.ndarray) -> tuple[str, ...]:
    def attempt(image: str, path: str) -> str:
        try:
            read_grey(manifest.root / path)
            manifest.masks.get(image)
        except BadDataError as error:
            return error.problem
        return ""

    images = manifest.images["image"].iloc[rows]
    paths = [str(path) for path in manifest.images["path"].iloc[rows]]
    with ThreadPoolExecutor() as pool:
        return tuple(message for message in pool.map(attempt, images, paths) if message)


def _named_splits(manifest: Manifest) -> dict[str, dict[str, Any]]:
    """Images by part of `official` and of every rule; why one cannot be made, where it cannot."""
    found: dict[str, dict[str, Any]] = {}
    rules = rules_of(manifest.dataset)
    for name in ("official", *rules):
        try:
            rows = split_rows(manifest, name)
        except (MissingDataError, LeakError) as error:
            found[name] = {"why": error.problem}
            continue
        found[name] = {"images": {part: len(getattr(rows, part)) for part in PARTS}}
        if name in rules and manifest.phantom is None:
            found[name]["published"] = dict(rules[name].counts)
            found[name]["source"] = rules[name].source
    return found


def _list_facts(
    manifest: Manifest, name: str, frame: pd.DataFrame, expected: Mapping[str, int]
) -> dict[str, dict[str, int]]:
    """Counts per part and shared images and patients per pair of parts.

    Patients are known for images that the manifest holds only.
    """
    facts: dict[str, dict[str, int]] = {}
    known = set(manifest.images["image"])
    parts = {part: set(frame.loc[frame["split"] == part, "image"]) for part in PARTS}
    for part, names in parts.items():
        facts[part] = {"listed": len(names), "present": len(names & known)}
        published = expected.get(f"{name} {part}")
        if published is not None and published != len(names):
            facts[part]["published"] = published
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
