"""Where published lists and the tables beside them are looked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark import registry
from benchmark.data import coco_lists, published_lists
from benchmark.data.list_facts import described_datasets, facts_of, list_frames, listed_images
from benchmark.data.locate import find_root
from benchmark.errors import MissingDataError, UsageError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Places:
    """Where lists and tables are looked for.

    Attributes:
        lists: Folder of the lists.
        data_roots: Folder by data set; wins over `data_root`.
        data_root: Folder that holds the data sets.
        tables: What `table` has read, by data set.
    """

    lists: Path
    data_roots: Mapping[str, Path] = field(default_factory=dict)
    data_root: Path | None = None
    tables: dict[str, pd.DataFrame | None] = field(default_factory=dict, repr=False)

    def of(self, dataset: str) -> list[Path]:
        """Folders that may hold a data set's tables: its own, and that of the lists."""
        own = []
        if dataset in registry.source_names():
            try:
                source = registry.load_source(dataset)
                own = [find_root(source, self.data_roots, self.data_root)]
            except MissingDataError:
                pass
        return [*own, self.lists, self.lists.parent]

    def table(self, dataset: str) -> pd.DataFrame | None:
        """The images of a data set's own tables, or None where they were not found."""
        if dataset not in self.tables:
            self.tables[dataset] = listed_images(dataset, self.of(dataset))
        return self.tables[dataset]


def find_lists_folder(
    lists: Path | None, data_root: Path | None, data_roots: Mapping[str, Path]
) -> Path:
    """The folder that holds published lists.

    Args:
        lists: Named by the user: the folder or the one above it; then nothing else is tried.
        data_root: Folder of the data sets.
        data_roots: Folder by data set.

    Raises:
        UsageError: Nothing was found; says what was looked for, where, and where to get it.
    """
    name = published_lists.FOLDER
    if lists is not None:
        places = [lists, lists / name]
    else:
        roots = [*([data_root] if data_root else []), *data_roots.values(), Path.cwd()]
        places = [place for root in roots for place in (root / name, root, root.parent / name)]
    for place in dict.fromkeys(places):
        if place.is_dir() and _holds_lists(place):
            return place
    wanted = ", ".join(f"`{file}.txt`" for file, _, _ in published_lists.FILES)
    raise UsageError(
        f"No published list was found: a folder with {wanted} (or .gz) a data set, or COCO files.",
        looked_in=list(dict.fromkeys(places)),
        remedy="Get the split lists from the MaCo repository (its folders `NIH_ChestX-ray`, "
        f"`RSNA_Pneumonia` ...), put them into a folder `{name}`, and name it with --lists.",
    )


def _holds_lists(folder: Path) -> bool:
    inside = [path for path in folder.iterdir() if path.is_dir()]
    if any(
        published_lists.list_file(place, file)
        for place in inside
        for file, _, _ in published_lists.FILES
    ):
        return True
    return any(
        (facts_of(name).coco and coco_lists.coco_files(folder, facts_of(name).coco))
        or list_frames(name, folder)
        for name in described_datasets()
    )
