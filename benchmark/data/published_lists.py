"""Published split lists (those of the MaCo repository), found beside the data, used as they are."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from benchmark.data.sources._files import stem_of
from benchmark.errors import BadDataError

if TYPE_CHECKING:
    from collections.abc import Sequence

PERCENTS = (1, 10, 100)
FOLDER = "splits_maco"
NAME = "maco_lists"
FILES = (
    ("train_1", "train", 1),
    ("train_10", "train", 10),
    ("train_list", "train", 100),
    ("val_list", "validation", 0),
    ("test_list", "test", 0),
)


def find_lists(
    root: Path, dataset_folder: str, classes: Sequence[str], lists_root: Path | None = None
) -> dict[str, pd.DataFrame]:
    """The published lists of a data set as `{"maco_lists": frame}`, or `{}` where there are none.

    Args:
        root: Folder of the data set; `splits_maco/<dataset_folder>` is looked for in it and in
            up to two folders above.
        dataset_folder: Name of the data set in the MaCo repository.
        classes: Names of the label columns, in the lists' order.
        lists_root: `splits_maco` itself, its parent, or the folder of the lists; looked at first.
    """
    places = [base / FOLDER / dataset_folder for base in (root, *list(root.parents)[:2])]
    if lists_root is not None:
        given = Path(lists_root)
        places = [given / dataset_folder, given / FOLDER / dataset_folder, given, *places]
    for place in places:
        if any(list_file(place, name) for name, _, _ in FILES):
            return {NAME: read_lists(place, classes)}
    return {}


def read_lists(folder: Path, classes: Sequence[str]) -> pd.DataFrame:
    """All lists of a folder as one frame; see `Manifest.lists` for its columns.

    Raises:
        BadDataError: A line has another number of labels than `classes`, or a label that is
            neither 0 nor 1.
    """
    frames = []
    for name, split, percent in FILES:
        path = list_file(folder, name)
        if path is not None:
            frames.append(parse_list(path, classes).assign(split=split, percent=percent))
    if not frames:
        raise BadDataError(f"`{folder}` holds no published list.")
    rows = pd.concat(frames, ignore_index=True)
    for percent in PERCENTS:
        held = set(rows.loc[rows["percent"] == percent, "image"])
        rows[f"in_{percent}"] = (rows["split"] == "train") & rows["image"].isin(held)
    rows = rows.drop_duplicates(["image", "split"], keep="last").reset_index(drop=True)
    inside = rows[[f"in_{percent}" for percent in PERCENTS]].to_numpy(dtype=bool)
    smallest = np.asarray(PERCENTS)[inside.argmax(axis=1)]
    rows["subset"] = np.where(inside.any(axis=1), smallest, 100)
    flags = [f"in_{percent}" for percent in PERCENTS]
    return rows[["image", "split", "subset", *flags, *classes]]


def raw_rows(path: Path) -> list[list[str]]:
    """The words of every line that is not blank: a name with its folder, and the labels."""
    opened = gzip.open if path.name.endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8-sig") as stream:
        return [line.split() for line in stream if line.strip()]


def parse_list(path: Path, classes: Sequence[str]) -> pd.DataFrame:
    """One list file, plain or .gz: a name and its labels a line, blanks at the end allowed.

    Lines without any label (SIIM) give NaN. The image id is the name without folder and image
    suffix; of a CheXpert path, which repeats names, it is the whole path without the suffix.
    """
    return frame_of(path, raw_rows(path), classes)


def frame_of(path: Path, rows: Sequence[Sequence[str]], classes: Sequence[str]) -> pd.DataFrame:
    """`parse_list` of the lines that `raw_rows` gave; the path is for messages."""
    width = len(classes) + 1
    for number, row in enumerate(rows, 1):
        if len(row) not in (1, width) or any(cell not in ("0", "1") for cell in row[1:]):
            raise BadDataError(
                f"`{path}`, line {number}: expected a name and {len(classes)} labels of 0 or 1, "
                f"found {len(row)} fields."
            )
    values = np.array(
        [[float(cell) for cell in row[1:]] or [np.nan] * len(classes) for row in rows]
    ).reshape(len(rows), len(classes))
    frame = pd.DataFrame(values, columns=list(classes))
    frame.insert(0, "image", [_image_id(row[0]) for row in rows])
    return frame


def _image_id(name: str) -> str:
    if "/study" in name:
        folder, _, base = name.rpartition("/")
        return f"{folder}/{stem_of(base)}"
    return stem_of(name)


def list_file(folder: Path, name: str) -> Path | None:
    """The file of one list, packed or not."""
    for ending in (".txt", ".txt.gz"):
        if (folder / f"{name}{ending}").is_file():
            return folder / f"{name}{ending}"
    return None
