"""Which data sets' images lie in another set: from tables on the disk, else by construction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmark import registry
from benchmark.data.audit_lists import origin_names, patients_in
from benchmark.data.list_facts import Origin, described_datasets, facts_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmark.data.audit_lists import ListSet
    from benchmark.data.audit_places import Places


@dataclass(frozen=True)
class Provenance:
    """That the images of one set were taken from another one.

    Attributes:
        dataset, corpus: Names of the two readers.
        statement, source: What is known without any file, and who says so.
        counted: Whether files on the disk were compared; else `missing` says what was not there.
        found: Counts of what was compared, by name; empty where nothing was.
        tests: By published list: its test images, and those of them that the files find in the
            corpus.
    """

    dataset: str
    corpus: str
    statement: str
    source: str
    counted: bool
    missing: str = ""
    found: Mapping[str, int] = field(default_factory=dict)
    tests: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def provenances(places: Places, sets: Sequence[ListSet]) -> list[Provenance]:
    """One entry for each data set whose images are known to come from another one."""
    known = set(registry.source_names())
    return [
        _provenance(name, origin, places, [item for item in sets if item.dataset == name])
        for name in described_datasets()
        if (origin := facts_of(name).origin) is not None and name in known
    ]


def _provenance(name: str, origin: Origin, places: Places, sets: Sequence[ListSet]) -> Provenance:
    found: dict[str, int] = {}
    missing = ""
    if origin.table:
        found = _by_table(name, origin, places)
        missing = f"`{origin.table}` was not found. {origin.obtain}"
    elif origin.same_names:
        found = _by_name(name, origin, places)
        missing = f"The tables of `{name}` and `{origin.dataset}` were not both found."
    else:
        missing = "No table joins the two sets' images."
    return Provenance(
        dataset=name,
        corpus=origin.dataset,
        statement=origin.statement,
        source=origin.source,
        counted=bool(found),
        missing="" if found else missing.strip(),
        found=found,
        tests=_tests(sets) if found else {},
    )


def _by_table(name: str, origin: Origin, places: Places) -> dict[str, int]:
    mapped = origin_names(origin, places.of(name))
    if mapped is None:
        return {}
    people = patients_in(sorted(set(mapped.values())), origin.dataset)
    found = {
        "images": len(mapped),
        f"images of {origin.dataset}": len(set(mapped.values())),
        "patients": len({person for person in people if person}),
    }
    table = places.table(origin.dataset)
    if table is not None:
        here = set(table["image"])
        found["images in the corpus on the disk"] = sum(item in here for item in mapped.values())
    return found


def _by_name(name: str, origin: Origin, places: Places) -> dict[str, int]:
    ours = places.table(name)
    theirs = places.table(origin.dataset)
    if ours is None or theirs is None:
        return {}
    inside = ours[ours["image"].isin(set(theirs["image"]))]
    people = set(ours["patient"].dropna())
    training = theirs[theirs["split"] == "train"]
    return {
        "images": len(ours),
        "images in the corpus on the disk": len(inside),
        "patients": len(people),
        "patients in the corpus": len(people & set(theirs["patient"])),
        "patients in its training part": len(people & set(training["patient"])),
        "its training images of these patients": int(training["patient"].isin(people).sum()),
    }


def _tests(sets: Sequence[ListSet]) -> dict[str, dict[str, int]]:
    found = {}
    for item in sets:
        if "test" in item.parts:
            test = item.parts["test"].drop_duplicates("image")
            found[item.name] = {"images": len(test), "found": int(test["origin"].notna().sum())}
    return found
