"""A published list as a split: used as published, what its parts share is counted, not removed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from benchmark.data.parts import PARTS, SplitRows, pair_overlaps, rows_of
from benchmark.errors import MissingDataError

if TYPE_CHECKING:
    import pandas as pd

    from benchmark.data.manifest import Manifest


def list_rows(manifest: Manifest, name: str) -> SplitRows:
    """The rows of a published list that was found beside the data.

    Raises:
        MissingDataError: Images of the list are absent (all of a part, where the manifest is
            partial).
    """
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
    rows = rows_of(parts, source=name, labels=_list_labels(manifest, table, positions))
    absent = {"absent": int((positions < 0).sum())}
    return replace(rows, listed=listed, overlaps={**pair_overlaps(manifest, rows), **absent})


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
