"""Which rows are for training, validation and test; always by patient where the split is ours."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.data.strata import patient_order
from benchmark.errors import LeakError, MissingDataError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from benchmark.data.manifest import Manifest

PARTS = ("train", "validation", "test")
CLEAN_SHARES = {"test": 0.2, "validation": 0.1}
CARVED_VALIDATION = 0.1
GROUNDING_VALIDATION = 0.3
"""Of the patients of a set of phrases and boxes that has no split of its own."""


@dataclass(frozen=True)
class SplitRows:
    """Positions in a manifest.

    Attributes:
        train, validation, test: Sorted positions, int64. A published list that leaks has
            positions in two of them.
        source: Name of the split, and how it was made.
        overlaps: By pair such as `train-test`: images and patients that stand in both; and
            `absent`: images of a list that the manifest lacks, `unlabelled`: rows left out.
        labels: One row a row of the manifest, a column a class. Where a published list names an
            image, its labels stand in place of the manifest's.
        listed: By percent, the training positions of the list's own subset (not always nested).
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    source: str
    overlaps: Mapping[str, Any] = field(default_factory=dict)
    labels: pd.DataFrame | None = None
    listed: Mapping[int, np.ndarray] = field(default_factory=dict)


def split_rows(manifest: Manifest, split: str, seed: int = 0) -> SplitRows:
    """The rows of a split.

    `clean` is ours: 70/10/20 by patient, stratified, from the seed alone. `official` is the data
    set's own; where it has no validation part, a tenth of the training patients become it; a
    set of phrases without any split is cut into 30 % validation and 70 % test. Any other name is
    a published list, used as published: what it has in common is counted, never removed.

    Raises:
        LeakError: One patient stands in two parts of a clean or official split.
        MissingDataError: The split's list or column is not there.
        UsageError: There are lists, but none of that name.
    """
    if split == "clean":
        return _checked(_clean(manifest, seed), manifest)
    if split == "official":
        return _checked(_official(manifest, seed), manifest)
    return _published(manifest, split)


def overlaps(manifest: Manifest, first: np.ndarray, second: np.ndarray) -> dict[str, int]:
    """How many images and patients two sets of rows share."""
    patients = manifest.images["patient"].to_numpy(dtype=object)
    return {
        "images": len(set(first.tolist()) & set(second.tolist())),
        "patients": len(set(patients[first]) & set(patients[second])),
    }


def subset_rows(manifest: Manifest, rows: SplitRows, percent: float, seed: int) -> np.ndarray:
    """Training positions of a label fraction.

    A published list's own subset where it has one for that percent, else `sample_rows`.
    """
    if rows.listed and percent >= 100 and not len(rows.listed[100]):
        raise MissingDataError(
            f"{manifest.dataset}: the list `{rows.source}` has no training list of 100 %.",
            looked_in=[manifest.root],
            remedy="Put `train_list.txt` beside the other lists, or use the split `clean`.",
        )
    if percent >= 100:
        return rows.train
    if int(percent) == percent and len(rows.listed.get(int(percent), ())):
        return rows.listed[int(percent)]
    return sample_rows(manifest, rows.train, percent, seed, rows.labels)


def sample_rows(
    manifest: Manifest,
    rows: np.ndarray,
    percent: float,
    seed: int,
    labels: pd.DataFrame | None = None,
) -> np.ndarray:
    """About `percent` of some rows, whole patients at a time.

    Nested (1 % lies inside 10 % for one seed), stratified by the rarest finding of a patient,
    with a positive and a negative of every class as far as the number of patients allows.

    Args:
        manifest: For patients, and labels where none are given.
        rows: Positions to draw from.
        percent: Of these rows; the patient that crosses it is the last one.
        seed: The subset seed; nothing else enters the draw but patients and labels.
        labels: One row a row of the manifest.

    Returns:
        Sorted positions.
    """
    if percent >= 100 or not len(rows):
        return np.sort(rows)
    table = manifest.labels if labels is None else labels
    patients = manifest.images["patient"].to_numpy(dtype=object)[rows]
    values = table.to_numpy(dtype=np.float64)[rows]
    order = patient_order(patients, values, ("subset", seed), cover=True).patients
    counts = dict(zip(*np.unique(patients.astype(str), return_counts=True)))
    wanted = max(1, round(len(rows) * percent / 100))
    totals = np.cumsum([counts[patient] for patient in order])
    kept = set(order[: int(np.searchsorted(totals, wanted)) + 1])
    return np.sort(rows[[patient in kept for patient in patients]])


def _rows(parts: Mapping[str, np.ndarray], *, source: str, labels: pd.DataFrame) -> SplitRows:
    return SplitRows(parts["train"], parts["validation"], parts["test"], source, labels=labels)


def _clean(manifest: Manifest, seed: int) -> SplitRows:
    values = manifest.labels.to_numpy(dtype=np.float64)
    usable = np.arange(len(manifest))
    if values.shape[1]:
        usable = usable[~np.isnan(values).all(axis=1)]
    parts = _cut(manifest, usable, CLEAN_SHARES, ("clean", seed))
    left_out = len(manifest) - len(usable)
    rows = _rows(parts, source=f"clean, seed {seed}", labels=manifest.labels)
    return replace(rows, overlaps={"unlabelled": left_out})


def _cut(
    manifest: Manifest, rows: np.ndarray, shares: Mapping[str, float], axes: tuple[object, ...]
) -> dict[str, np.ndarray]:
    """Rows by part; the shares are of patients, the rest is for training."""
    patients = manifest.images["patient"].to_numpy(dtype=object)[rows]
    values = manifest.labels.to_numpy(dtype=np.float64)[rows]
    ranked = patient_order(patients, values, axes)
    place = dict(zip(ranked.patients, ranked.quantiles))
    quantiles = np.array([place[patient] for patient in patients], dtype=np.float64)
    parts: dict[str, np.ndarray] = {}
    low = 0.0
    for part, share in shares.items():
        parts[part] = rows[(quantiles >= low) & (quantiles < low + share)]
        low += share
    parts["train"] = rows[quantiles >= low]
    return {part: np.sort(parts.get(part, rows[:0])) for part in PARTS}


def _official(manifest: Manifest, seed: int) -> SplitRows:
    column = manifest.images["split"].to_numpy(dtype=object)
    parts = {part: np.flatnonzero(column == part) for part in PARTS}
    source = "official"
    if not any(len(rows) for rows in parts.values()):
        if not manifest.boxes["phrase"].astype(str).str.len().gt(0).any():
            raise MissingDataError(
                f"{manifest.dataset}: the official split is not beside the data.",
                looked_in=[manifest.root],
                remedy="Put the data set's split files there, or use the split `clean`.",
            )
        shares = {"validation": GROUNDING_VALIDATION, "test": 1.0 - GROUNDING_VALIDATION + 1e-9}
        parts = _cut(manifest, np.arange(len(manifest)), shares, ("official", seed))
        source = f"ours by patient, 30 % validation and 70 % test (no official one), seed {seed}"
    elif not len(parts["validation"]) and len(parts["train"]):
        shares = {"validation": CARVED_VALIDATION}
        carved = _cut(manifest, parts["train"], shares, ("official", seed))
        parts = {**carved, "test": parts["test"]}
        source = f"official, validation carved from training by patient, seed {seed}"
    return _rows(parts, source=source, labels=manifest.labels)


def _checked(rows: SplitRows, manifest: Manifest) -> SplitRows:
    """The rows with their overlaps, all of which must be zero."""
    counted = _counted(rows, manifest)
    for pair, shared in counted.items():
        if shared["patients"]:
            raise LeakError(
                f"{manifest.dataset}, split `{rows.source}`: {shared['patients']} patients stand "
                f"in {pair.replace('-', ' and ')}.",
                remedy="Use the split `clean`, or mend the split column.",
            )
    return replace(rows, overlaps={**counted, **rows.overlaps})


def _counted(rows: SplitRows, manifest: Manifest) -> dict[str, dict[str, int]]:
    return {
        f"{a}-{b}": overlaps(manifest, getattr(rows, a), getattr(rows, b))
        for a, b in combinations(PARTS, 2)
    }


def _published(manifest: Manifest, name: str) -> SplitRows:
    if not manifest.lists:
        raise MissingDataError(
            f"{manifest.dataset}: the published split `{name}` is not beside the data.",
            looked_in=[manifest.root, manifest.root.parent],
            remedy="Get the lists from the MaCo repository and put them into a folder "
            "`splits_maco` beside the data set, or use the variant with the split `clean`.",
        )
    if name not in manifest.lists:
        raise unknown_name("split", name, ["clean", "official", *manifest.lists])
    table = manifest.lists[name]
    where = {image: row for row, image in enumerate(manifest.images["image"])}
    positions = np.array([where.get(image, -1) for image in table["image"]], dtype=np.int64)
    _need_present(manifest, name, table, positions)
    split = table["split"].to_numpy(dtype=object)
    parts = {part: np.sort(positions[(split == part) & (positions >= 0)]) for part in PARTS}
    listed = {
        percent: np.sort(positions[table[f"in_{percent}"].to_numpy(bool) & (positions >= 0)])
        for percent in (1, 10, 100)
    }
    rows = _rows(parts, source=name, labels=_list_labels(manifest, table, positions))
    absent = {"absent": int((positions < 0).sum())}
    return replace(rows, listed=listed, overlaps={**_counted(rows, manifest), **absent})


def _need_present(
    manifest: Manifest, name: str, table: pd.DataFrame, positions: np.ndarray
) -> None:
    for part in PARTS:
        of_part = table["split"].to_numpy(dtype=object) == part
        absent = of_part & (positions < 0)
        none_left = of_part.any() and absent.sum() == of_part.sum()
        if absent.any() and (none_left or not manifest.partial):
            raise MissingDataError(
                f"{manifest.dataset}: {absent.sum():,} of the {of_part.sum():,} {part} images of "
                f"the list `{name}` are absent, the first is "
                f"`{table['image'].to_numpy()[absent][0]}`.",
                looked_in=[manifest.root],
                remedy="Complete the data set, or use the variant with the split `clean`.",
            )


def _list_labels(manifest: Manifest, table: pd.DataFrame, positions: np.ndarray) -> pd.DataFrame:
    """The manifest's labels, overwritten by the list's where it has any."""
    labels = manifest.labels.copy()
    for column in table.columns:
        if column in ("image", "split", "subset") or column.startswith("in_"):
            continue
        values = table[column].to_numpy(dtype=np.float64)
        known = (positions >= 0) & ~np.isnan(values)
        merged = (
            labels[column].to_numpy(dtype=np.float64).copy()
            if column in labels
            else np.full(len(manifest), np.nan)
        )
        merged[positions[known]] = values[known]
        labels[column] = merged
    return labels
