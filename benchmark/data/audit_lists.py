"""Finds and reads every published list there is, from the lists and tables alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from benchmark import registry
from benchmark.data import coco_lists, published_lists
from benchmark.data.list_facts import (
    Origin,
    described_datasets,
    facts_of,
    list_frames,
)
from benchmark.data.sources._files import (
    TABLE_ENDINGS,
    find_file,
    need_columns,
    read_table,
    stem_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmark.data.audit_places import Places

PART_OF = {
    "train_1": "train 1 %",
    "train_10": "train 10 %",
    "train_list": "train",
    "val_list": "validation",
    "test_list": "test",
}
"""The audit's names of the list files, in the order of its tables."""

LIST_COLUMNS = ("image", "split", "subset", "in_1", "in_10", "in_100")
"""Of a frame of `Manifest.lists`; any other column is a class."""


@dataclass(frozen=True)
class ListSet:
    """All parts of one published list.

    Attributes:
        dataset: Reader of the data set; the folder's name where no reader knows it.
        name: `maco_lists`, `maco_detection`.
        place: File or folder that was read.
        parts: By part (the values of `PART_OF`), one row a line: `image`, `patient`, `origin`
            (name in the set that the images come from), each None where it is not told,
            `folder` as the list has it, and a column a class.
        classes: Names of the label columns; numbered where the reader has none for them.
        table: The data set's own table where it was found, see `list_facts.listed_images`.
    """

    dataset: str
    name: str
    place: Path
    parts: Mapping[str, pd.DataFrame]
    classes: tuple[str, ...]
    table: pd.DataFrame | None


def read_all(places: Places) -> list[ListSet]:
    """Every list of the folder, one `ListSet` a data set and kind, sorted."""
    by_folder = {facts_of(name).folder: name for name in described_datasets()}
    found = []
    for folder in sorted(path for path in places.lists.iterdir() if path.is_dir()):
        if any(published_lists.list_file(folder, file) for file in PART_OF):
            found.append(_text_lists(folder, by_folder.get(folder.name, folder.name), places))
    for dataset in described_datasets():
        prefix = facts_of(dataset).coco
        for folder in (places.lists, places.lists / facts_of(dataset).folder):
            files = coco_lists.coco_files(folder, prefix) if prefix else {}
            if files:
                found.append(_coco_lists(dataset, files, places))
                break
        for name, frame in list_frames(dataset, places.lists).items():
            found.append(_own_lists(dataset, name, frame, places))
    first = published_lists.NAME
    return sorted(found, key=lambda item: (item.dataset, item.name != first, item.name))


def origin_names(origin: Origin | None, places: Sequence[Path]) -> dict[str, str] | None:
    """The other set's image by ours, certain matches only; None without a table."""
    if origin is None or not origin.table:
        return None
    for place in places:
        path = find_file(place, [origin.table], TABLE_ENDINGS)
        if path is not None:
            table = read_table(path)
            need_columns(path, table, [origin.image, origin.origin])
            if origin.distance:
                need_columns(path, table, [origin.distance])
                distance = pd.to_numeric(table[origin.distance], errors="coerce")
                table = table[distance < origin.limit]
            return dict(zip(table[origin.image], table[origin.origin].map(stem_of)))
    return None


def patients_in(names: Sequence[str], dataset: str) -> np.ndarray:
    """The patient that each name tells, or None: (n,) objects."""
    pattern = re.compile(facts_of(dataset).patient)
    known = dataset in registry.source_names()
    space = registry.load_source(dataset).namespace if known else dataset
    found = (pattern.search(name) for name in names)
    return np.array([f"{space}:{match[1]}" if match else None for match in found], dtype=object)


def _text_lists(folder: Path, dataset: str, places: Places) -> ListSet:
    mapped = origin_names(facts_of(dataset).origin, places.of(dataset))
    parts = {}
    classes: tuple[str, ...] = ()
    for file, part in PART_OF.items():
        path = published_lists.list_file(folder, file)
        if path is not None:
            rows = published_lists.raw_rows(path)
            classes = classes or _classes(rows, facts_of(dataset).classes)
            frame = published_lists.frame_of(path, rows, classes)
            # Two levels tell the official part; deeper ones name a patient or a study.
            frame["folder"] = ["/".join(row[0].split("/")[:-1][:2]) for row in rows]
            parts[part] = _with_people(frame, dataset, mapped)
    table = places.table(dataset)
    return ListSet(dataset, published_lists.NAME, folder, parts, classes, table)


def _coco_lists(dataset: str, files: Mapping[tuple[str, int], Path], places: Places) -> ListSet:
    mapped = origin_names(facts_of(dataset).origin, places.of(dataset))
    classes = facts_of(dataset).classes[:1]
    parts = {}
    for (part, percent), path in files.items():
        frame = coco_lists.parse_coco(path).assign(folder="")
        for name in classes:
            frame[name] = (frame["boxes"] > 0).astype(float)
        named = f"{part} {percent} %" if percent in (1, 10) else part
        parts[named] = _with_people(frame, dataset, mapped)
    ordered = {part: parts[part] for part in PART_OF.values() if part in parts}
    place = next(iter(files.values())).parent
    return ListSet(dataset, coco_lists.NAME, place, ordered, classes, places.table(dataset))


def _own_lists(dataset: str, name: str, frame: pd.DataFrame, places: Places) -> ListSet:
    """A list in the form of `Manifest.lists`, with the patients of the data set's own table."""
    classes = tuple(str(column) for column in frame.columns if column not in LIST_COLUMNS)
    table = places.table(dataset)
    people = {} if table is None else dict(zip(table["image"], table["patient"]))
    owners = frame["image"].map(people).astype(object)
    frame = frame.assign(folder="", origin=None, patient=owners.where(owners.notna(), None))
    split = frame["split"]
    parts = {part: frame[split == part] for part in PART_OF.values() if (split == part).any()}
    return ListSet(dataset, name, places.lists, parts, classes, table)


def _classes(rows: Sequence[Sequence[str]], known: tuple[str, ...]) -> tuple[str, ...]:
    """Label names of a list: the known ones where their number fits, else numbers."""
    width = max((len(row) - 1 for row in rows), default=0)
    if width in (0, len(known)):
        return known
    return tuple(f"label {number}" for number in range(1, width + 1))


def _with_people(
    frame: pd.DataFrame, dataset: str, mapped: Mapping[str, str] | None
) -> pd.DataFrame:
    names = [str(name) for name in frame["image"]]
    origin = facts_of(dataset).origin
    if mapped is None or origin is None:
        return frame.assign(origin=None, patient=patients_in(names, dataset))
    theirs = [mapped.get(name) for name in names]
    people = patients_in([name or "" for name in theirs], origin.dataset)
    return frame.assign(origin=np.array(theirs, dtype=object), patient=people)
