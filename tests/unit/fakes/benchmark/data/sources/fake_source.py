"""A data set of twenty files that are not images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.data.manifest import Manifest, SourceSpec
from benchmark.data.sources._files import phantom_mark

SOURCE = SourceSpec(
    name="fake_source",
    title="Fake source",
    licence="none",
    redistributable=True,
    obtain="Make it with `fakes.make_data`.",
    folders=("fake-data",),
    namespace="fake",
)


def read(
    root: Path, *, allow_partial: bool = False, lists_root: Path | None = None, flavour: str = ""
) -> Manifest:
    """Labels from `labels.csv`; reports are the image names."""
    table = pd.read_csv(root / "labels.csv", dtype={"image": str, "patient": str})
    images = pd.DataFrame(
        {
            "image": table["image"],
            "path": "images/" + table["image"],
            "patient": "fake:" + table["patient"],
            "study": table["image"],
            "view": "frontal",
            "split": "",
            "sex": "",
            "age": np.nan,
        }
    )
    return Manifest(
        dataset="fake_source",
        release=f"1{flavour}",
        root=root,
        images=images,
        labels=table[["finding"]].astype(float),
        reports={name: f"FINDINGS: {name}." for name in table["image"]},
        label_files=("labels.csv",),
        phantom=phantom_mark(root)[0],
        redistributable=True,
    )
