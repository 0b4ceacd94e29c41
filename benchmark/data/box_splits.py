"""The split `boxed`: only images with a box, for tasks that train on nothing and test on boxes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from benchmark.data.cutting import cut_by_share
from benchmark.data.parts import SplitRows, rows_of
from benchmark.errors import MissingDataError

if TYPE_CHECKING:
    import pandas as pd

    from benchmark.data.manifest import Manifest

BOXED = "boxed"
SHARES = {"validation": 0.3, "test": 0.7 + 1e-9}
"""Of the patients with a box; as of a set of phrases without a split of its own."""


def boxed_rows(manifest: Manifest, seed: int = 0) -> SplitRows:
    """30 % validation and 70 % test of the patients with a box; nothing is for training.

    Whatever official split the images have, boxes were not trained on by anyone who follows it
    (those of NIH lie in its test part), so all of them may be used. Whole patients, stratified by
    the findings that their boxes show, from the seed alone. Images without a box take no part.

    Raises:
        MissingDataError: No image has a box.
    """
    names = manifest.images["image"].to_numpy(dtype=object)
    kept = np.flatnonzero(np.isin(names, manifest.boxes["image"].to_numpy(dtype=object)))
    if not len(kept):
        raise MissingDataError(
            f"{manifest.dataset}: no image has a box.",
            looked_in=[manifest.root],
            remedy="Put the data set's file of boxes beside its images.",
        )
    shown = replace(manifest, labels=_boxed_findings(manifest))
    parts = cut_by_share(shown, kept, SHARES, (BOXED, seed))
    source = f"ours by patient, of those with a box: 30 % validation and 70 % test, seed {seed}"
    rows = rows_of(parts, source=source, labels=manifest.labels)
    return replace(rows, overlaps={"left_out": len(manifest) - len(kept)})


def _boxed_findings(manifest: Manifest) -> pd.DataFrame:
    """A column for each finding that has boxes: 1 where the image has one of it, else 0."""
    import pandas as pd

    counts = pd.crosstab(manifest.boxes["image"], manifest.boxes["label"])
    found = counts.reindex(manifest.images["image"], fill_value=0).clip(upper=1)
    return found.astype(float).reset_index(drop=True)
