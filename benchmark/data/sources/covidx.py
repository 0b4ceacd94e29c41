"""Reads COVIDx (COVID-Net), any version from its label lists."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmark.data.manifest import Manifest, SourceSpec
from benchmark.data.sources._covidx_lists import (
    THREE_CLASSES,
    TWO_CLASSES,
    find_lists,
    read_lists,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

SOURCE = SourceSpec(
    name="covidx",
    title="COVIDx",
    licence="Mixed, by source of the image: see COVID-Net and the Kaggle page; research use.",
    redistributable=False,
    obtain="Get `andyczhao/covidx-cxr2` from Kaggle (G2D used version 6 of that page) and the "
    "lists from `labels/` of `lindawangg/COVID-Net` on GitHub.",
    folders=("covidx", "COVIDx", "covidx-cxr2"),
    namespace="covidx",
    also_namespaces=("rsna", "idc"),
    # Lists 9A; those that G2D used held 29,986 images for training.
    expected={
        "images": 30_530,
        "train": 30_130,
        "test": 400,
        "mgca_lists train": 23_988,
        "mgca_lists validation": 5_998,
        "mgca_lists test": 400,
    },
)

MGCA_LISTS = "mgca_lists"
MGCA_TRAIN_SHARE = 0.8
_FOLDERS = {
    "train": ("train",),
    "validation": ("val",),
    "test": ("test", "competition_test"),
}
_SHARED = {"rsna": "rsna", "cohen": "idc"}
"""Sources whose patients stand under their own name in other data sets, and their namespace."""


def read(
    root: Path,
    *,
    allow_partial: bool = False,
    lists_root: Path | None = None,
    version: str = "",
) -> Manifest:
    """Images of the lists' splits with one class each: a column a class, exactly one of them 1.

    The columns are `THREE_CLASSES` for lists 1 to 5 and those called A, `TWO_CLASSES` for lists 6,
    those called B, and CXR-2 to CXR-4. An image is named `train/<file name>`; a name that a list
    gives twice with different classes is of no known class (NaN). Patients that come from RSNA or
    the COVID-19 image data collection have the names that they have there (`rsna:`, `idc:`);
    others are told apart by source. `images` has one more column, `source`.

    `lists` has `mgca_lists` where the lists bring no validation part: MGCA's rule, which G2D
    follows. The lines of the training list are shuffled by `RandomState(0)`; the first fifth,
    rounded up, is for validation. It is by image: patients stand in both parts.

    Args:
        root: Folder of `train.txt` and `test.txt`, or of `train_COVIDx<version>.txt` and its test
            list (also in `labels/`); the images lie somewhere below it.
        allow_partial: Leave out listed images that are absent instead of failing.
        lists_root: Folder of the label lists, where they do not lie in the root or beside it in
            `splits_maco/COVIDx`.
        version: Such as `9B`, or `page` for `train.txt`; empty takes 9A, else `train.txt`, else
            the highest one.

    Raises:
        MissingDataError: The lists or an image are absent.
        BadDataError: A line has fewer than three fields or an unknown class.
    """
    from benchmark.data.sources import _files

    root = Path(root).resolve()
    release, paths = find_lists(SOURCE, root, lists_root, version)
    rows = _named(read_lists(paths))
    table = rows.drop_duplicates("image").reset_index(drop=True)
    places = _place_images(root, table)
    present, absent = _files.present_rows(
        SOURCE, root, table["image"].tolist(), places, allow_partial
    )
    table = table[present].reset_index(drop=True)
    classes = TWO_CLASSES if "negative" in set(rows["class"]) else THREE_CLASSES
    mark, mark_path = _files.phantom_mark(root)
    return Manifest(
        dataset=SOURCE.name,
        release=release,
        root=root,
        images=_image_table(table, places),
        labels=_labels(rows, table, classes),
        lists={} if "validation" in paths else {MGCA_LISTS: _mgca_split(rows)},
        label_files=_files.relative(root, [*paths.values(), mark_path]),
        phantom=mark,
        redistributable=SOURCE.redistributable,
        partial=len(absent),
        missing=absent[:10],
    )


def _named(lines: pd.DataFrame) -> pd.DataFrame:
    """The lines with the names that images and patients have here."""
    people = [_person(*pair) for pair in zip(lines["patient"], lines["source"])]
    folders = lines["split"].map(lambda split: _FOLDERS[split][0])
    return lines.assign(image=folders + "/" + lines["name"], patient=people)


def _person(patient: str, source: str) -> str:
    if source in _SHARED:
        return f"{_SHARED[source]}:{patient}"
    return f"{SOURCE.namespace}:{source}:{patient}"


def _place_images(root: Path, table: pd.DataFrame) -> dict[str, str]:
    """Path below `root` by image: in a folder of its split where one has such a file."""
    from benchmark.data.sources._names import paths_by_name

    found = paths_by_name(root)
    placed = {}
    for image, name, split in zip(table["image"], table["name"], table["split"]):
        paths = found.get(name, [])
        own = [path for path in paths if Path(path).parent.name in _FOLDERS[split]]
        if paths:
            placed[image] = (own or paths)[0]
    return placed


def _image_table(table: pd.DataFrame, places: Mapping[str, str]) -> pd.DataFrame:
    return table[["image", "patient", "split", "source"]].assign(
        path=[places[image] for image in table["image"]],
        study=table["image"],
        view="frontal",
        sex="",
        age=float("nan"),
    )


def _labels(rows: pd.DataFrame, table: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    contradicted = rows.groupby("image")["class"].nunique().gt(1)
    doubtful = table["image"].map(contradicted).to_numpy(dtype=bool)
    values = {name: np.where(doubtful, np.nan, table["class"].eq(name)) for name in classes}
    return pd.DataFrame(values, index=table.index, dtype=float)


def _mgca_split(rows: pd.DataFrame) -> pd.DataFrame:
    train = np.flatnonzero(rows["split"].eq("train"))
    held_out = len(train) - int(len(train) * MGCA_TRAIN_SHARE)
    order = np.random.RandomState(0).permutation(len(train))
    split = rows["split"].to_numpy(dtype=object).copy()
    split[train[order[:held_out]]] = "validation"
    table = rows[["image"]].assign(split=split).drop_duplicates(["image", "split"])
    in_train = table["split"].eq("train")
    return table.assign(subset=100, in_1=False, in_10=False, in_100=in_train).reset_index(drop=True)
