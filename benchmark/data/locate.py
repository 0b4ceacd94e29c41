"""Finds a data set's folder, or says where it was looked for and how to get it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.errors import MissingDataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmark.data.manifest import SourceSpec


def find_root(
    source: SourceSpec, data_roots: Mapping[str, Path | str], data_root: Path | str | None
) -> Path:
    """The folder that holds a data set.

    Args:
        source: What is looked for.
        data_roots: Folder by data set name, from `maco-bench.toml`; it wins over `data_root`.
        data_root: Folder whose children are searched for `source.folders`, in that order.

    Raises:
        MissingDataError: Naming the data set, the places, the way to get it and its licence.
    """
    if source.name in data_roots:
        places = [Path(data_roots[source.name]).expanduser()]
    elif data_root is not None:
        places = [Path(data_root).expanduser() / folder for folder in source.folders]
    else:
        places = []
    for place in places:
        if place.is_dir():
            return place
    raise MissingDataError(
        f"{source.title} (`{source.name}`) was not found.",
        looked_in=places,
        remedy=(
            f"{source.obtain} Licence: {source.licence} Put it into a folder "
            f"`{source.folders[0]}` below --data-root, or name its folder in maco-bench.toml."
        ),
    )
