"""What published lists have in common: inside a set, across sets, and with pre-training corpora."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

from benchmark import registry
from benchmark.data.audit_lists import ListSet, read_all
from benchmark.data.audit_origins import provenances
from benchmark.data.audit_places import Places
from benchmark.data.audit_report import AuditReport, PartCounts, SetAudit, Shared
from benchmark.data.list_facts import facts_of
from benchmark.data.sources._files import phantom_mark

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

_TRAINING = ("train 1 %", "train 10 %", "train")
_NESTED = (("train 1 %", "train 10 %"), ("train 1 %", "train"), ("train 10 %", "train"))


def audit(places: Places) -> AuditReport:
    """Read every list below `places.lists` and count what they share. No image is opened."""
    sets = read_all(places)
    phantom = phantom_mark(places.lists)[0]
    return AuditReport(
        lists=str(places.lists),
        # A phantom is drawn in any size: no published count speaks of it.
        sets=tuple(_set_audit(item, compare=phantom is None) for item in sets),
        across=tuple(_across(sets)),
        provenance=tuple(provenances(places, sets)),
        phantom=phantom,
    )


def _set_audit(item: ListSet, compare: bool) -> SetAudit:
    known = item.dataset in registry.source_names()
    source = registry.load_source(item.dataset) if known else None
    expected = source.expected if source and compare else {}
    parts = item.parts
    pairs = [
        (first, second)
        for first, second in combinations(parts, 2)
        if first not in _TRAINING or second not in _TRAINING
    ]
    images = {part: set(frame["image"]) for part, frame in parts.items()}
    return SetAudit(
        dataset=item.dataset,
        name=item.name,
        title=source.title if source else item.dataset,
        place=str(item.place),
        parts={
            part: _counts(item, part, expected.get(f"{item.name} {part}")) for part in item.parts
        },
        shared=tuple(_shared(item, a, item, b) for a, b in pairs),
        nested={
            f"{a} in {b}": (len(images[a] & images[b]), len(images[a]))
            for a, b in _NESTED
            if a in images and b in images
        },
        test_also=_test_also(images),
    )


def _test_also(images: Mapping[str, set[str]]) -> dict[str, int]:
    test = images.get("test", set())
    train = set().union(*(images.get(part, set()) for part in _TRAINING))
    held_out = images.get("validation", set())
    return {"train": len(test & train), "validation_only": len(test & held_out - train)}


def _counts(item: ListSet, part: str, expected: int | None) -> PartCounts:
    frame = item.parts[part]
    distinct = frame.drop_duplicates("image")
    positive = _positive(item, distinct)
    compared = _against_table(item, distinct)
    told = frame["patient"].notna()
    return PartCounts(
        lines=len(frame),
        images=len(distinct),
        expected=expected,
        patients=int(frame["patient"].nunique()) if told.any() else None,
        with_patient=int(distinct["patient"].notna().sum()),
        positive=None if positive is None else int((positive == 1).sum()),
        labelled=0 if positive is None else int(positive.notna().sum()),
        folders={str(k): int(v) for k, v in distinct["folder"].value_counts().items() if k},
        **compared,
    )


def _positive(item: ListSet, frame: pd.DataFrame) -> pd.Series[float] | None:
    """1 or 0 by row, NaN where unknown: the list's own labels, else those of the table."""
    columns = [name for name in item.classes if name in frame]
    if columns and frame[columns].notna().any(axis=None):
        return frame[columns].max(axis=1).astype(float)
    if item.table is None or not set(item.classes) <= set(item.table.columns) or not item.classes:
        return None
    of_image = item.table.set_index("image")[list(item.classes)].max(axis=1).astype(float)
    return frame["image"].map(of_image)


def _against_table(item: ListSet, frame: pd.DataFrame) -> dict[str, Any]:
    """Where the list's labels are not those of the data set's own table."""
    columns = [name for name in item.classes if name in frame]
    table = item.table
    if table is None or not columns or not set(columns) <= set(table.columns):
        return {}
    if not frame[columns].notna().any(axis=None):
        return {}
    held = frame[frame["image"].isin(set(table["image"]))]
    theirs = table.set_index("image").loc[held["image"], columns].to_numpy(dtype=float)
    differs = held[columns].to_numpy(dtype=float) != theirs
    counts = {name: int(count) for name, count in zip(columns, differs.sum(axis=0)) if count}
    return {
        "in_table": len(held),
        "differing": int(differs.any(axis=1).sum()),
        "differing_classes": counts,
    }


def _shared(one: ListSet, first: str, other: ListSet, second: str) -> Shared:
    """What a part of one set shares with a part of the same or another one."""
    a, b = one.parts[first], other.parts[second].drop_duplicates("image")
    by = _common_names(one, other)
    same = one is other
    label = ("", "") if same else (f"{one.dataset} {one.name} ", f"{other.dataset} {other.name} ")
    names = (f"{label[0]}{first}", f"{label[1]}{second}")
    people = [set(frame["patient"].dropna()) for frame in (a, b)]
    patients = len(people[0] & people[1]) if people[0] and people[1] else None
    of_patients = len(people[1]) if people[1] else None
    keys = _names_in(one, a, by), _names_in(other, b, by)
    told = keys[0].notna().any() and keys[1].notna().any()
    both = keys[1].isin(set(keys[0].dropna())) & keys[1].notna()
    positive = _positive(other, b)
    known = told and positive is not None and positive[both].notna().all()
    return Shared(
        *names,
        images=int(both.sum()) if told else None,
        patients=patients,
        positive=int((positive[both] == 1).sum()) if known and positive is not None else None,
        of_images=len(b),
        of_patients=of_patients,
        comparable=int(keys[1].notna().sum()),
        by=by,
    )


def _common_names(one: ListSet, other: ListSet) -> str:
    """The data set by whose image names two lists can be compared; empty where there is none."""
    first, second = _spaces(one), _spaces(other)
    return next((name for name in first if name in second), "")


def _spaces(item: ListSet) -> list[str]:
    """The data set itself, then the one that its images come from, where a table names them."""
    origin = facts_of(item.dataset).origin
    mapped = any(frame["origin"].notna().any() for frame in item.parts.values())
    return [item.dataset, *([origin.dataset] if origin and mapped else [])]


def _names_in(item: ListSet, frame: pd.DataFrame, dataset: str) -> pd.Series[str]:
    return frame["image" if dataset == item.dataset else "origin"]


def _across(sets: list[ListSet]) -> list[Shared]:
    found = []
    for one in sets:
        largest = [part for part in reversed(_TRAINING) if part in one.parts][:1]
        for other in sets:
            if one is other or "test" not in other.parts or not _common_names(one, other):
                continue
            for part in (*largest, "validation"):
                if part in one.parts:
                    found.append(_shared(one, part, other, "test"))
    return found
