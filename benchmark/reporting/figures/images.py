"""Radiographs and phrases for figures, of data sets that may be shown to others, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmark.errors import BadDataError, MissingDataError, UsageError
from benchmark.fingerprint import data_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from benchmark.data.manifest import Manifest
    from benchmark.recipes import Geometry
    from benchmark.reporting.select import Result

LONGEST_SIDE = 384
"""Pixels of a radiograph in a figure: an inch at most of print."""


def may_show(result: Result) -> bool:
    """Whether images and texts of a record's data may be shown: phantoms, and what says so."""
    data = result.record["data"]
    return bool(data.get("phantom")) or data.get("redistributable") is True


def refuse_unshowable(results: Iterable[Result]) -> None:
    """Raise where images are asked of a data set that forbids it.

    Raises:
        UsageError: Names the data sets.
    """
    refused = {str(item.record["data"]["dataset"]) for item in results if not may_show(item)}
    if refused:
        raise UsageError(
            "Images and texts of " + ", ".join(f"`{name}`" for name in sorted(refused))
            + " must not be shown to others: its licence forbids it.",
            remedy="Leave out --with-images, or name other figures with --only.",
        )  # fmt: skip


class Radiographs:
    """Reads single images of the data that records were made from.

    Args:
        manifest_of: Gives the manifest of a data set by name.
    """

    def __init__(self, manifest_of: Callable[[str], Manifest]) -> None:
        self._manifest_of = manifest_of

    def original(self, result: Result, image: str) -> np.ndarray:
        """The image as it is stored, uint8 (height, width).

        Raises:
            UsageError: The data set must not be shown.
            MissingDataError: The data are not there, or are others than the record's.
        """
        from benchmark.data.images import read_grey

        manifest = self._manifest(result)
        path = manifest.images["path"].iloc[_row(manifest, image)]
        return read_grey(manifest.root / str(path))

    def square(self, result: Result, image: str, size: int, geometry: Geometry) -> np.ndarray:
        """The image as the model saw it, uint8 (size, size); raises as `original`."""
        from benchmark.data.geometry import to_square

        return to_square(self.original(result, image), size, geometry)

    def phrase(self, result: Result, pair: str, frame: int, geometry: Geometry) -> str:
        """The phrase of a pair `image#number`; empty where its class stands for it.

        Raises as `original`.
        """
        from benchmark.protocols.pairs import read_pairs

        manifest = self._manifest(result)
        row = _row(manifest, pair.rpartition("#")[0])
        pairs = read_pairs(manifest, np.array([row]), frame, geometry)
        found = dict(zip(pairs.ids.tolist(), pairs.phrases, strict=True))
        return str(found.get(pair, ""))

    def _manifest(self, result: Result) -> Manifest:
        refuse_unshowable([result])
        manifest = self._manifest_of(str(result.record["data"]["dataset"]))
        found, wanted = data_id(manifest), str(result.cell["data_id"])
        if found != wanted:
            raise MissingDataError(
                f"The data at hand (`{found}`) are not those of the record (`{wanted}`).",
                looked_in=[manifest.root],
                remedy="Name the record's data with --data-root, or leave out --with-images.",
            )
        return manifest


def _row(manifest: Manifest, image: str) -> int:
    rows = np.flatnonzero(manifest.images["image"].to_numpy(dtype=object) == image)
    if not len(rows):
        raise BadDataError(f"{manifest.dataset} has no image `{image}`.", looked_in=[manifest.root])
    return int(rows[0])


def shrunk(image: np.ndarray, longest_side: int = LONGEST_SIDE) -> np.ndarray:
    """The image with its long side at most `longest_side`, by area."""
    from benchmark.data.store import shrink

    return shrink(image, longest_side)
