"""Reads COVIDx (COVID-Net), any version from its label lists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmark.data.manifest import Manifest, SourceSpec
from benchmark.errors import BadDataError, MissingDataError

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

THREE_CLASSES = ("normal", "pneumonia", "COVID-19")
TWO_CLASSES = ("negative", "COVID-19")
_SAME = {"positive": "COVID-19", "covid-19": "COVID-19"}

PREFERRED = "9A"
"""The three-class lists that MGCA and G2D use; taken before the two-class lists of the page."""

PAGE = "page"
LISTS = "splits_maco/COVIDx"
MGCA_LISTS = "mgca_lists"
MGCA_TRAIN_SHARE = 0.8
_SPLITS = {"train": "train", "val": "validation", "test": "test"}
_FOLDERS = {
    "train": ("train",),
    "validation": ("val",),
    "test": ("test", "competition_test"),
}
_SOURCES = {"rnsa": "rsna"}
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
    release, paths = _find_lists(root, lists_root, version)
    rows = _listed(paths)
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


def _find_lists(root: Path, lists_root: Path | None, version: str) -> tuple[str, dict[str, Path]]:
    """Name of the release and its list by split."""
    given = [Path(lists_root), Path(lists_root) / "labels"] if lists_root is not None else []
    beside = [base / LISTS for base in (root, *list(root.parents)[:2])]
    places = [root, root / "labels", *given, *beside]
    named: dict[str, Path] = {}
    for place in places:
        for path in sorted(place.glob("train_COVIDx*.txt")):
            named.setdefault(path.stem.removeprefix("train_COVIDx"), path)
    plain = next((place for place in places if (place / "train.txt").is_file()), None)
    chosen = version or (PREFERRED if PREFERRED in named else "")
    if chosen in ("", PAGE) and plain is not None:
        paths = {split: plain / f"{name}.txt" for name, split in _SPLITS.items()}
        paths = {split: path for split, path in paths.items() if path.is_file()}
        return _page_release(paths), paths
    chosen = chosen or max(named, key=_version_order, default="")
    if chosen not in named:
        known = f" There are the versions {sorted(named)}." if named else ""
        raise MissingDataError(
            f"{SOURCE.title}: the list of version `{chosen or PREFERRED}` is missing.",
            looked_in=places,
            remedy=f"{SOURCE.obtain} Licence: {SOURCE.licence}{known}",
        )
    paths = {"train": named[chosen]}
    test = named[chosen].with_name(f"test_COVIDx{chosen}.txt")
    if test.is_file():
        paths["test"] = test
    return f"lists {chosen}", paths


def _version_order(version: str) -> tuple[int, str]:
    digits = re.match(r"\d+", version)
    return (int(digits[0]) if digits else 0), version


def _page_release(paths: Mapping[str, Path]) -> str:
    """What the lists `train.txt` and `test.txt` of the Kaggle page tell about their version."""
    if "validation" in paths:
        return "CXR-4 (it has val.txt)"
    text = paths["train"].read_text(encoding="utf-8-sig")
    count = sum(bool(line.strip()) for line in text.splitlines())
    known = {15_952: "CXR-2 or 8B", 30_482: "CXR-3 or 9B", 29_986: "the lines that G2D counts"}
    return f"{known.get(count, 'unknown version')} ({count:,} lines in train.txt)"


def parse_line(line: str) -> tuple[str, str, str, str]:
    """Patient, file name, class and source of a line; patient ids may hold spaces.

    The source is empty in the lists that have none.

    Raises:
        ValueError: The line has too few fields, or no known class in its place.
    """
    for fields in (3, 2):
        parts = line.strip().rsplit(" ", fields)
        kind = parts[2].casefold() if len(parts) == fields + 1 else ""
        kind = _SAME.get(kind, kind)
        if kind in {*THREE_CLASSES, *TWO_CLASSES}:
            source = parts[3].casefold() if fields == 3 else ""
            return parts[0].strip(), parts[1], kind, _SOURCES.get(source, source)
    raise ValueError(line)


def _listed(paths: Mapping[str, Path]) -> pd.DataFrame:
    """One row a line of all lists, in their order."""
    import pandas as pd

    rows = []
    for split, path in paths.items():
        text = path.read_text(encoding="utf-8-sig")
        for number, line in enumerate(text.splitlines(), 1):
            if not line.strip():
                continue
            try:
                patient, name, kind, source = parse_line(line)
            except ValueError:
                raise BadDataError(
                    f"`{path}`, line {number}: expected a patient, a file name, a class and a "
                    f"source, found `{line.strip()}`."
                ) from None
            image = f"{_FOLDERS[split][0]}/{name}"
            rows.append((image, name, split, kind, source, _person(patient, source)))
    columns = ["image", "name", "split", "class", "source", "patient"]
    return pd.DataFrame(rows, columns=columns)


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
