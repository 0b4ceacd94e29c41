"""Radiographs of worst cases, on demand, and only of data that may be shown to others."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

from PIL import Image

from benchmark.reporting.figures.images import Radiographs, may_show, shrunk
from benchmark.reporting.report.figure_views import bytes_uri
from benchmark.reporting.report.model import Picture, WorstCases

if TYPE_CHECKING:
    import numpy as np

    from benchmark.recipes import Geometry
    from benchmark.reporting.select import Result

SHOWN = 4
SIDE = 256
"""Pixels of the long side: a thumbnail."""
_FORBIDDEN = "the licence forbids to show them to others"


class Watched(Radiographs):
    """Reads as another reader does, and remembers what it gave.

    Attributes:
        radiographs: Whether any was given.
        phrases: Likewise.
    """

    def __init__(self, reader: Radiographs) -> None:
        self._reader = reader
        self.radiographs = self.phrases = False

    def original(self, result: Result, image: str) -> np.ndarray:
        """As the reader's."""
        found = self._reader.original(result, image)
        self.radiographs = True
        return found

    def square(self, result: Result, image: str, size: int, geometry: Geometry) -> np.ndarray:
        """As the reader's."""
        found = self._reader.square(result, image, size, geometry)
        self.radiographs = True
        return found

    def phrase(self, result: Result, pair: str, frame: int, geometry: Geometry) -> str:
        """As the reader's."""
        found = self._reader.phrase(result, pair, frame, geometry)
        self.phrases |= bool(found)
        return found


class Pictures:
    """Adds thumbnails to worst cases; remembers which data sets forbid it.

    Args:
        radiographs: Reads single images of the data that records were made from. The figures
            read by the same one, so that it knows all that the page holds.
    """

    def __init__(self, radiographs: Watched) -> None:
        self._radiographs = radiographs
        self._known: dict[tuple[str, str], str] = {}
        self._refused: set[str] = set()

    def added(self, worst: WorstCases | None, result: Result) -> WorstCases | None:
        """The worst cases of a record with their first images.

        Raises:
            MissingDataError: The data are not there, or are others than the record's.
        """
        if worst is None or not worst.samples:
            return worst
        if not may_show(result):
            self._refused.add(str(result.record["data"]["dataset"]))
            return worst
        pictures = tuple(self._picture(result, sample) for sample in worst.samples[:SHOWN])
        return replace(worst, pictures=pictures)

    def summary(self) -> str:
        """What the report says about its images: what it holds, and what is forbidden."""
        names = ", ".join(f"`{name}`" for name in sorted(self._refused))
        given = self._radiographs
        held = [
            word
            for word, holds in (("radiographs", given.radiographs), ("phrases", given.phrases))
            if holds
        ]
        if held:
            text = f"The page holds {' and '.join(held)} of single test samples."
            return f"{text} None of {names}: {_FORBIDDEN}." if names else text
        return f"The page holds no radiographs of {names}: {_FORBIDDEN}." if names else ""

    def _picture(self, result: Result, sample: str) -> Picture:
        image, phrase = sample, ""
        if "frame" in result.record["recipe"] and "#" in sample:
            recipe = result.record["recipe"]
            image = sample.rpartition("#")[0]
            phrase = self._radiographs.phrase(
                result, sample, int(recipe["frame"]), recipe["geometry"]
            )
        key = (str(result.cell["data_id"]), image)
        if key not in self._known:
            pixels = self._radiographs.original(result, image)
            self._known[key] = bytes_uri(jpeg(shrunk(pixels, SIDE)), "image/jpeg")
        caption = f"{sample}: {phrase}" if phrase else sample
        return Picture(self._known[key], caption, f"Radiograph {sample}")


def jpeg(pixels: np.ndarray) -> bytes:
    """Grey pixels, uint8 (height, width), as a small file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="JPEG", quality=82, optimize=True)
    return buffer.getvalue()
