"""What the audit of published lists found, as plain data."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmark.data.audit_origins import Provenance


@dataclass(frozen=True)
class PartCounts:
    """One list file.

    Attributes:
        lines: Names in it; `images` are the distinct ones.
        expected: Images as published, or None.
        patients: Distinct patients of the images whose name or table tells one, `with_patient`.
        positive: Images with a positive label, in the list or in the data set's own table; None
            where neither has labels.
        labelled: Images whose labels are known.
        in_table, differing: Images that the data set's own table has, and those of them whose
            labels there are not the list's; None where one of the two has no labels.
        differing_classes: By class, the same.
        folders: Images by folder, as the list names it.
    """

    lines: int
    images: int
    expected: int | None
    patients: int | None
    with_patient: int
    positive: int | None
    labelled: int
    in_table: int | None = None
    differing: int | None = None
    differing_classes: Mapping[str, int] = field(default_factory=dict)
    folders: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Shared:
    """What two lists have in common.

    Attributes:
        first, second: Names; of two sets with their data set and list.
        images: Images in both; None where the two sets' names cannot be compared.
        patients: Patients in both; None where no patient is known in one of them.
        positive: Shared images with a positive label, or None where labels are unknown.
        of_images, of_patients: Distinct ones in the second list.
        comparable: Images of the second list whose name in the other set is known.
        by: Data set whose names were compared.
    """

    first: str
    second: str
    images: int | None
    patients: int | None
    positive: int | None
    of_images: int
    of_patients: int | None
    comparable: int
    by: str = ""

    @property
    def leaks(self) -> bool:
        """Whether anything is shared."""
        return bool(self.images or self.patients)


@dataclass(frozen=True)
class SetAudit:
    """One data set's list.

    Attributes:
        parts: Counts by part.
        shared: Pairs that must have nothing in common: training with validation and test (each
            label fraction), validation with test.
        nested: By pair such as `train 1 % in train 10 %`: images of the first that lie in the
            second, and all of the first.
        test_also: Distinct test images that stand in the training list, and further ones that
            stand in the validation list.
    """

    dataset: str
    name: str
    title: str
    place: str
    parts: Mapping[str, PartCounts]
    shared: tuple[Shared, ...]
    nested: Mapping[str, tuple[int, int]]
    test_also: Mapping[str, int]

    @property
    def leaks(self) -> bool:
        """Whether any pair shares an image or a patient."""
        return any(pair.leaks for pair in self.shared)


@dataclass(frozen=True)
class AuditReport:
    """Every list that was found.

    Attributes:
        lists: Folder that was read.
        sets: One entry a data set and list.
        across: Training and validation lists of one set with the test list of another, where
            their images can be compared.
        provenance: Which sets' images lie in another set, and so in a corpus made of it.
        phantom: Version mark of synthetic lists, or None.
    """

    lists: str
    sets: tuple[SetAudit, ...]
    across: tuple[Shared, ...]
    provenance: tuple[Provenance, ...]
    phantom: Mapping[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain content for `--json`, with `leaks` for each set and pair."""
        content = dataclasses.asdict(self)
        for entry, found in zip(content["sets"], self.sets):
            entry["leaks"] = found.leaks
            for pair, shared in zip(entry["shared"], found.shared):
                pair["leaks"] = shared.leaks
        for pair, shared in zip(content["across"], self.across):
            pair["leaks"] = shared.leaks
        return content
