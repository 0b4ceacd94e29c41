"""The label lists of COVIDx: which files a version has, and what a line says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.errors import BadDataError, MissingDataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from benchmark.data.manifest import SourceSpec

THREE_CLASSES = ("normal", "pneumonia", "COVID-19")
TWO_CLASSES = ("negative", "COVID-19")
_SAME = {"positive": "COVID-19", "covid-19": "COVID-19"}

PREFERRED = "9A"
"""The three-class lists that MGCA and G2D use; taken before the two-class lists of the page."""

PAGE = "page"
LISTS = "splits_maco/COVIDx"
_SPLITS = {"train": "train", "val": "validation", "test": "test"}
_SOURCES = {"rnsa": "rsna"}


def find_lists(
    source: SourceSpec, root: Path, lists_root: Path | None, version: str
) -> tuple[str, dict[str, Path]]:
    """Name of the release and its list by split.

    Args:
        source: What a message says of the data set.
        root: Folder of the data set.
        lists_root: Another folder of lists, if there is one.
        version: Of the lists; empty takes the preferred one.

    Raises:
        MissingDataError: There is no list of that version.
    """
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
            f"{source.title}: the list of version `{chosen or PREFERRED}` is missing.",
            looked_in=places,
            remedy=f"{source.obtain} Licence: {source.licence}{known}",
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


def read_lists(paths: Mapping[str, Path]) -> pd.DataFrame:
    """One row a line of all lists, in their order: `patient`, `name`, `class`, `source`, `split`.

    Args:
        paths: List by split.

    Raises:
        BadDataError: A line has fewer than three fields or an unknown class.
    """
    import pandas as pd

    rows = []
    for split, path in paths.items():
        text = path.read_text(encoding="utf-8-sig")
        for number, line in enumerate(text.splitlines(), 1):
            if not line.strip():
                continue
            try:
                rows.append((*parse_line(line), split))
            except ValueError:
                raise BadDataError(
                    f"`{path}`, line {number}: expected a patient, a file name, a class and a "
                    f"source, found `{line.strip()}`."
                ) from None
    return pd.DataFrame(rows, columns=["patient", "name", "class", "source", "split"])
