"""From rows of the image store to normalised tensors, the same way for every protocol."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from torch import Tensor

from benchmark.data.geometry import to_square

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmark.interfaces import Progress
    from benchmark.recipes import Geometry
    from benchmark.specs import ImageProfile

MEMORY_LIMIT_BYTES = 2 * 2**30
"""Squares of a set are kept in memory up to this size."""


class Images(Protocol):
    """What is needed of an `ImageStore`: the image of a row, uint8 (h, w)."""

    def __getitem__(self, row: int, /) -> np.ndarray: ...


class InputReader:
    """Squares of one size and geometry, by row of the manifest.

    A small set can be kept in memory as uint8 (`preload`); otherwise rows are read when asked
    for, by a few threads, and `ahead` starts the next batch early. The pixels are the same.

    Args:
        store: The image store.
        size: Side of the square in pixels.
        geometry: How an image becomes that square.
        profile: Mean and standard deviation of the baseline.
        device: Where tensors are put.
        threads: For reading.
        memory_limit_bytes: `preload` does nothing above it.
    """

    def __init__(
        self,
        store: Images,
        size: int,
        geometry: Geometry,
        profile: ImageProfile,
        *,
        device: str = "cpu",
        threads: int = 2,
        memory_limit_bytes: int = MEMORY_LIMIT_BYTES,
    ) -> None:
        self.size = size
        self._store = store
        self._geometry: Geometry = geometry
        self._profile = profile
        self._device = torch.device(device)
        self._memory_limit_bytes = memory_limit_bytes
        self._pool = ThreadPoolExecutor(max(1, threads), thread_name_prefix="images")
        self._kept: np.ndarray | None = None
        self._kept_position: dict[int, int] = {}
        self._expected: tuple[bytes, list[Future[np.ndarray]]] | None = None

    def __enter__(self) -> InputReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def preload(self, rows: np.ndarray, progress: Progress | None = None) -> bool:
        """Keep the squares of these rows in memory if they fit the limit.

        Returns:
            Whether they are kept.
        """
        if len(rows) * self.size**2 > self._memory_limit_bytes:
            return False
        kept = np.empty((len(rows), self.size, self.size), dtype=np.uint8)
        for start in range(0, len(rows), 256):
            part = rows[start : start + 256]
            for offset, square in enumerate(self._pool.map(self._square, part)):
                kept[start + offset] = square
            if progress is not None:
                progress("reading images", start + len(part), len(rows))
        self._kept = kept
        self._kept_position = {int(row): place for place, row in enumerate(rows)}
        return True

    def ahead(self, rows: np.ndarray) -> None:
        """Start reading rows that the next `unit` or `read` will ask for."""
        if all(int(row) in self._kept_position for row in rows):
            return
        self._expected = (_key(rows), self._start(rows))

    def pixels(self, rows: np.ndarray) -> np.ndarray:
        """Squares, uint8 (B, size, size)."""
        if self._kept is not None and all(int(row) in self._kept_position for row in rows):
            return self._kept[[self._kept_position[int(row)] for row in rows]]
        expected, self._expected = self._expected, None
        if expected is not None and expected[0] == _key(rows):
            squares = [item.result() for item in expected[1]]
        else:
            squares = [item.result() for item in self._start(rows)]
        if not squares:
            return np.empty((0, self.size, self.size), dtype=np.uint8)
        return np.stack(squares)

    def unit(self, rows: np.ndarray) -> Tensor:
        """(B, 1, size, size) float32 in [0, 1], where augmentation is applied."""
        pixels = torch.from_numpy(self.pixels(rows)).to(self._device)
        return pixels.unsqueeze(1).float().div_(255.0)

    def normalise(self, images: Tensor) -> Tensor:
        """(x - mean) / std of the baseline's profile."""
        return (images - self._profile.mean) / self._profile.std

    def read(self, rows: np.ndarray) -> Tensor:
        """(B, 1, size, size) float32, normalised."""
        return self.normalise(self.unit(rows))

    def batches(
        self,
        rows: np.ndarray,
        batch_size: int,
        progress: Progress | None = None,
        stage: str = "encoding images",
    ) -> Iterator[tuple[np.ndarray, Tensor]]:
        """All rows in order as (rows, normalised images); the next batch is read meanwhile."""
        parts = [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]
        done = 0
        for number, part in enumerate(parts):
            images = self.read(part)
            if number + 1 < len(parts):
                self.ahead(parts[number + 1])
            yield part, images
            done += len(part)
            if progress is not None:
                progress(stage, done, len(rows))

    def _square(self, row: int) -> np.ndarray:
        return to_square(self._store[int(row)], self.size, self._geometry)

    def _start(self, rows: np.ndarray) -> list[Future[np.ndarray]]:
        return [self._pool.submit(self._square, int(row)) for row in rows]


def _key(rows: np.ndarray) -> bytes:
    return np.ascontiguousarray(rows, dtype=np.int64).tobytes()
