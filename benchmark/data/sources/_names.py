"""Images found by file name with its ending, where two files may share a stem."""

from __future__ import annotations

import os
from pathlib import Path

from benchmark.data.sources._files import stem_of


def paths_by_name(root: Path) -> dict[str, list[str]]:
    """Paths below `root` of all image files by file name, in the order of folders and names.

    Folders that begin with a dot or `splits_` are left out.
    """
    found: dict[str, list[str]] = {}
    for where, folders, files in os.walk(root, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "splits_")))
        place = Path(where).relative_to(root)
        for name in sorted(files):
            if stem_of(name) != name and not name.startswith("."):
                found.setdefault(name, []).append((place / name).as_posix())
    return found
