"""Which rows are for training, validation and test; always by patient where the split is ours."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from benchmark.data.box_splits import BOXED, boxed_rows
from benchmark.data.cutting import cut_by_count, cut_by_share
from benchmark.data.list_facts import SplitRule, rules_of
from benchmark.data.list_splits import list_rows
from benchmark.data.parts import PARTS, SplitRows, overlaps, pair_overlaps, rows_of
from benchmark.data.strata import patient_order
from benchmark.errors import LeakError, MissingDataError, UsageError, unknown_name

if TYPE_CHECKING:
    import pandas as pd

    from benchmark.data.manifest import Manifest

__all__ = ["PARTS", "SplitRows", "overlaps", "sample_rows", "split_rows", "subset_rows"]

CLEAN_SHARES = {"test": 0.2, "validation": 0.1}
CARVED_VALIDATION = 0.1
GROUNDING_VALIDATION = 0.3
"""Of the patients of a set of phrases and boxes that has no split of its own."""


def split_rows(manifest: Manifest, split: str, seed: int = 0) -> SplitRows:
    """The rows of a split.

    `clean` is ours: 70/10/20 by patient, stratified, from the seed alone. `official` is the data
    set's own; where it has no validation part, a tenth of the training patients become it; a
    set of phrases without any split is cut into 30 % validation and 70 % test. `boxed` cuts the
    patients with boxes in the same way. The name of a
    published list beside the data is used as published: what its parts have in common is counted,
    never removed. The name of a `SplitRule` of the data set stands for a paper's counts, drawn
    by patient.

    Raises:
        LeakError: One patient stands in two parts of a split that is no published list.
        MissingDataError: The split's list or column is not there.
        UsageError: There are lists or rules, but none of that name.
    """
    if split == "clean":
        return _checked(_clean(manifest, seed), manifest)
    if split == "official":
        return _checked(_official(manifest, seed), manifest)
    if split == BOXED:
        return _checked(boxed_rows(manifest, seed), manifest)
    if split in manifest.lists:
        return list_rows(manifest, split)
    rules = rules_of(manifest.dataset)
    if split in rules:
        return _checked(_ruled(manifest, split, rules[split], seed), manifest)
    raise _no_such_split(manifest, split, tuple(rules))


def _no_such_split(
    manifest: Manifest, name: str, rules: tuple[str, ...]
) -> MissingDataError | UsageError:
    if manifest.lists:
        return unknown_name("split", name, ["clean", "official", BOXED, *rules, *manifest.lists])
    also = f" Without a list there are: clean, official, {', '.join(rules)}." if rules else ""
    return MissingDataError(
        f"{manifest.dataset}: the published split `{name}` is not beside the data.",
        looked_in=[manifest.root, manifest.root.parent],
        remedy="Get the lists from the MaCo repository and put them into a folder "
        f"`splits_maco` beside the data set, or use the variant with the split `clean`.{also}",
    )


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


def _clean(manifest: Manifest, seed: int) -> SplitRows:
    values = manifest.labels.to_numpy(dtype=np.float64)
    usable = np.arange(len(manifest))
    if values.shape[1]:
        usable = usable[~np.isnan(values).all(axis=1)]
    parts = cut_by_share(manifest, usable, CLEAN_SHARES, ("clean", seed))
    left_out = len(manifest) - len(usable)
    rows = rows_of(parts, source=f"clean, seed {seed}", labels=manifest.labels)
    return replace(rows, overlaps={"unlabelled": left_out})


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
        parts = cut_by_share(manifest, np.arange(len(manifest)), shares, ("official", seed))
        source = f"ours by patient, 30 % validation and 70 % test (no official one), seed {seed}"
    elif not len(parts["validation"]) and len(parts["train"]):
        shares = {"validation": CARVED_VALIDATION}
        carved = cut_by_share(manifest, parts["train"], shares, ("official", seed))
        parts = {**carved, "test": parts["test"]}
        source = f"official, validation carved from training by patient, seed {seed}"
    return rows_of(parts, source=source, labels=manifest.labels)


def _ruled(manifest: Manifest, name: str, rule: SplitRule, seed: int) -> SplitRows:
    """A paper's split: official parts taken whole, the others drawn from the pool by patient."""
    kept = _admitted(manifest, rule)
    parts = {part: np.zeros(0, dtype=np.int64) for part in PARTS}
    if rule.drawn:
        pool = np.flatnonzero(kept & _official_part(manifest, name, rule, rule.pool))
        # The name is no seed axis: two papers that draw from one pool then differ in size only.
        parts = cut_by_count(manifest, pool, rule.wanted(len(pool)), ("rule", seed))
    for part, official in rule.whole.items():
        parts[part] = np.flatnonzero(kept & _official_part(manifest, name, rule, official))
    source = f"{name}: counts of {rule.source}, by patient, seed {seed}"
    left_out = len(manifest) - sum(len(rows) for rows in parts.values())
    rows = rows_of(parts, source=source, labels=manifest.labels)
    return replace(rows, overlaps={"left_out": left_out})


def _admitted(manifest: Manifest, rule: SplitRule) -> np.ndarray:
    """Whether a row may take part at all, by view, label and study."""
    kept = np.ones(len(manifest), dtype=bool)
    if rule.view:
        kept &= manifest.images["view"].to_numpy(dtype=object) == rule.view
    if rule.labelled:
        kept &= manifest.labels[rule.labelled].notna().to_numpy()
    if rule.one_a_study:
        named = manifest.images[["image", "patient", "study"]][kept].sort_values("image")
        first = named.drop_duplicates(["patient", "study"]).index
        kept &= manifest.images.index.isin(first)
    return kept


def _official_part(manifest: Manifest, name: str, rule: SplitRule, part: str) -> np.ndarray:
    if part == "all":
        return np.ones(len(manifest), dtype=bool)
    held = np.zeros(len(manifest), dtype=bool)
    if rule.column in manifest.images:
        held = manifest.images[rule.column].to_numpy(dtype=object) == part
    if not held.any():
        raise MissingDataError(
            f"{manifest.dataset}: the split `{name}` needs the official part `{part}`, and none "
            "of its images is there.",
            looked_in=[manifest.root],
            remedy="Complete the data set and its split files, or use the split `clean`.",
        )
    return held


def _checked(rows: SplitRows, manifest: Manifest) -> SplitRows:
    """The rows with their overlaps, all of which must be zero."""
    counted = pair_overlaps(manifest, rows)
    for pair, shared in counted.items():
        if shared["patients"]:
            raise LeakError(
                f"{manifest.dataset}, split `{rows.source}`: {shared['patients']} patients stand "
                f"in {pair.replace('-', ' and ')}.",
                remedy="Use the split `clean`, or mend the split column.",
            )
    return replace(rows, overlaps={**counted, **rows.overlaps})
