"""What the readers share: tables by name, images by file stem, and the checks on both."""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from benchmark.errors import BadDataError, MissingDataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmark.data.manifest import SourceSpec

IMAGE_SUFFIXES = (".dcm", ".png", ".jpg", ".jpeg")
TABLE_ENDINGS = ("", ".gz", ".zip")
_TRAILING = "Unnamed: trailing"


def find_file(
    root: Path, names: Iterable[str], endings: Sequence[str] = ("", ".gz")
) -> Path | None:
    """The first of the named files that lies in a folder, packed or not."""
    for name in names:
        for ending in endings:
            if (root / f"{name}{ending}").is_file():
                return root / f"{name}{ending}"
    return None


def need_file(source: SourceSpec, root: Path, names: Sequence[str]) -> Path:
    """`find_file` for a table, or the error that says how to get it."""
    found = find_file(root, names, TABLE_ENDINGS)
    if found is None:
        raise MissingDataError(
            f"{source.title}: `{names[0]}` is missing.",
            looked_in=[root],
            remedy=f"{source.obtain} Licence: {source.licence}",
        )
    return found


def read_table(path: Path, aliases: Mapping[str, Sequence[str]] | None = None) -> pd.DataFrame:
    """A CSV (plain, .gz or .zip) as text cells, header and cells stripped, blanks as `""`.

    Args:
        path: The file. A trailing comma, in the header or the rows, gives no column.
        aliases: Other spellings of a column by its wanted name.

    Raises:
        BadDataError: When the file is not a readable CSV.
    """
    reading: dict[str, Any] = {
        "dtype": str,
        "keep_default_na": False,
        "encoding": "utf-8-sig",
        "index_col": False,
    }
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always", pd.errors.ParserWarning)
            table = pd.read_csv(path, **reading)
        if any(item.category is pd.errors.ParserWarning for item in warned):
            # The rows have one cell more than the header: a comma at their end, or too many.
            names = [*table.columns, _TRAILING]
            table = pd.read_csv(path, header=0, names=names, **reading)
    except Exception as error:
        raise BadDataError(f"`{path}` is not a readable CSV: {error}") from error
    if _TRAILING in table and table[_TRAILING].str.strip().ne("").any():
        raise BadDataError(
            f"`{path}` has rows with more cells than the header.",
            remedy="Quote the cells that hold commas.",
        )
    table.columns = pd.Index([str(name).strip() for name in table.columns])
    table = table[[name for name in table.columns if not name.startswith("Unnamed:")]]
    renamed = {
        other: name
        for name, others in (aliases or {}).items()
        if name not in table.columns
        for other in others
        if other in table.columns
    }
    table = table.rename(columns=renamed).fillna("")
    return pd.DataFrame({name: table[name].str.strip() for name in table.columns})


def need_columns(path: Path, table: pd.DataFrame, names: Iterable[str]) -> None:
    """Raise `BadDataError` naming the columns that a table lacks and those it has."""
    missing = [name for name in names if name not in table.columns]
    if missing:
        raise BadDataError(
            f"`{path}` lacks the columns {missing}; it has {list(table.columns)}.",
            remedy="Use the data set's own file, unchanged.",
        )


def numbers(column: pd.Series[str]) -> np.ndarray:
    """Text cells as float64, NaN where a cell is blank or no number."""
    return np.asarray(pd.to_numeric(column, errors="coerce"), dtype=np.float64)


def stem_of(name: str) -> str:
    """File name without folder and without an image suffix (dots inside an id stay)."""
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    for suffix in IMAGE_SUFFIXES:
        if base.lower().endswith(suffix):
            return base[: -len(suffix)]
    return base


def index_images(root: Path, folder: str = "", skip: Sequence[str] = ()) -> dict[str, str]:
    """Path below `root` of every image by file stem, over all folders below `root/folder`.

    Where a stem occurs twice the suffix that stands first in `IMAGE_SUFFIXES` wins, then the
    first path in order. Folders whose name starts with one of `skip` or a dot are left out.
    """
    found: dict[str, tuple[int, str]] = {}
    top = root / folder if folder else root
    for where, folders, files in os.walk(top, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith((".", *skip)))
        place = Path(where).relative_to(root).as_posix()
        prefix = "" if place == "." else place + "/"
        for name in sorted(files):
            stem = stem_of(name)
            if stem == name or name.startswith("."):
                continue
            rank = IMAGE_SUFFIXES.index(name[len(stem) :].lower())
            if stem not in found or rank < found[stem][0]:
                found[stem] = (rank, prefix + name)
    return {stem: path for stem, (_, path) in found.items()}


def present_rows(
    source: SourceSpec, root: Path, ids: Sequence[str], index: Mapping[str, str], partial: bool
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Which listed images are on the disk, and the ids of those that are not.

    Raises:
        MissingDataError: When one is absent and `partial` is false, or when all are.
    """
    present = np.fromiter((name in index for name in ids), dtype=bool, count=len(ids))
    absent = tuple(name for name, here in zip(ids, present) if not here)
    if absent and (not partial or not present.any()):
        raise MissingDataError(
            f"{source.title}: {len(absent):,} of {len(ids):,} listed images are absent, "
            f"the first is `{absent[0]}`.",
            looked_in=[root],
            remedy=f"{source.obtain} With --allow-partial the images that are present are used.",
        )
    return present, absent


def phantom_mark(root: Path) -> tuple[dict[str, Any] | None, Path | None]:
    """Content and path of `PHANTOM.json` in the folder or up to two folders above it."""
    for folder in (root, *list(root.parents)[:2]):
        path = folder / "PHANTOM.json"
        if path.is_file():
            try:
                return dict(json.loads(path.read_text(encoding="utf-8"))), path
            except ValueError as error:
                raise BadDataError(f"`{path}` is not valid JSON: {error}") from error
    return None, None


def relative(root: Path, paths: Iterable[Path | None]) -> tuple[str, ...]:
    """Paths as seen from `root`, `/` between parts; None is left out."""
    return tuple(Path(os.path.relpath(path, root)).as_posix() for path in paths if path)


def with_columns(table: pd.DataFrame, *names: str) -> pd.DataFrame:
    """The table with empty text columns for the names that it lacks."""
    return table.assign(**dict.fromkeys((name for name in names if name not in table.columns), ""))
