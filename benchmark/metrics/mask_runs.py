"""Masks of many images as run lengths in two flat arrays: small, and countable without pixels.

Runs go down the columns (column-major), as in `rle`, whose strings they replace where masks are
stored: fixed-width text would take as much room for an empty mask as for the longest one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmark.errors import BadDataError

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class MaskRuns:
    """The masks of n images.

    Attributes:
        runs: (m, 2) int32, first pixel (from 0, column-major) and length; within an image they
            ascend and do not overlap.
        offsets: (n + 1,) int64; image i has the runs `offsets[i]` to `offsets[i + 1]`.
    """

    runs: np.ndarray
    offsets: np.ndarray

    def __post_init__(self) -> None:
        runs, offsets = self.runs, self.offsets
        if runs.ndim != 2 or runs.shape[1] != 2 or len(offsets) < 1 or offsets[0] != 0:
            raise BadDataError("Mask runs must be (m, 2) with offsets that begin at 0.")
        if offsets[-1] != len(runs) or (np.diff(offsets) < 0).any():
            raise BadDataError("The offsets of mask runs do not fit the number of runs.")
        ends = runs.sum(axis=1, dtype=np.int64)
        same_image = np.ones(max(len(runs) - 1, 0), dtype=bool)
        borders = offsets[1:-1]
        same_image[borders[(borders > 0) & (borders < len(runs))] - 1] = False
        if (runs[:, 0] < 0).any() or (runs[:, 1] < 1).any():
            raise BadDataError("A mask run begins before the image or has no pixel.")
        if (runs[1:, 0] < ends[:-1])[same_image].any():
            raise BadDataError("The runs of a mask overlap or do not ascend.")

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @classmethod
    def of(cls, masks: Iterable[np.ndarray]) -> MaskRuns:
        """Encode masks (height, width), non-zero = inside, each of any size."""
        return cls.joined(encode_runs(mask) for mask in masks)

    @classmethod
    def joined(cls, parts: Iterable[np.ndarray]) -> MaskRuns:
        """From the runs (k, 2) of one image after the other."""
        kept = list(parts)
        offsets = np.cumsum([0, *(len(part) for part in kept)], dtype=np.int64)
        runs = np.concatenate([np.zeros((0, 2), dtype=np.int32), *kept])
        return cls(runs.astype(np.int32), offsets)

    def of_image(self, index: int) -> np.ndarray:
        """The runs (k, 2) of one image."""
        return self.runs[self.offsets[index] : self.offsets[index + 1]]

    def take(self, rows: np.ndarray) -> MaskRuns:
        """The masks of some images, in the order of `rows`."""
        return MaskRuns.joined(self.of_image(int(row)) for row in rows)

    def mask(self, index: int, height: int, width: int) -> np.ndarray:
        """One mask as booleans (height, width).

        Raises:
            BadDataError: A run leaves the frame.
        """
        runs = self.of_image(index)
        flat = np.zeros(height * width, dtype=bool)
        if len(runs) and int(runs[-1].sum(dtype=np.int64)) > len(flat):
            raise BadDataError(f"A mask run leaves the image of {height} x {width}.")
        for start, length in runs:
            flat[start : start + length] = True
        return flat.reshape(width, height).T

    def sizes(self) -> np.ndarray:
        """Pixels inside each mask, (n,) int64."""
        return self._by_image(self.runs[:, 1].astype(np.int64))

    def common(self, other: MaskRuns) -> np.ndarray:
        """Pixels that each mask shares with the other's of the same image, (n,) int64.

        Raises:
            BadDataError: The two hold different numbers of images.
        """
        if len(self) != len(other):
            raise BadDataError(f"Masks of {len(self)} and of {len(other)} images.")
        if not len(self.runs) or not len(other.runs):
            return np.zeros(len(self), dtype=np.int64)
        stride = 1 + max(int(item.runs.sum(axis=1, dtype=np.int64).max()) for item in (self, other))
        starts, ends = other._on_one_line(stride)
        before = np.concatenate([[0], np.cumsum(ends - starts)])

        def covered(position: np.ndarray) -> np.ndarray:
            """Pixels of `other` that lie before a position on the line."""
            run = np.searchsorted(starts, position, side="right") - 1
            held = np.minimum(position, ends[run]) - starts[run]
            return np.where(run >= 0, before[run] + held, 0)

        first, last = self._on_one_line(stride)
        return self._by_image(covered(last) - covered(first))

    def _on_one_line(self, stride: int) -> tuple[np.ndarray, np.ndarray]:
        """First and last + 1 pixel of every run, with the images one after the other."""
        owner = np.repeat(np.arange(len(self), dtype=np.int64), np.diff(self.offsets))
        starts = owner * stride + self.runs[:, 0]
        return starts, starts + self.runs[:, 1]

    def _by_image(self, values: np.ndarray) -> np.ndarray:
        """Sums over the runs of each image."""
        total = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
        return np.asarray(total[self.offsets[1:]] - total[self.offsets[:-1]])


def encode_runs(mask: np.ndarray) -> np.ndarray:
    """The runs (k, 2) int32 of one mask (height, width)."""
    inside = np.asarray(mask, dtype=bool)
    if not inside.any():
        return np.zeros((0, 2), dtype=np.int32)
    flat = inside.T.reshape(-1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flat, [False]]).astype(np.int8)))
    return np.stack([edges[::2], edges[1::2] - edges[::2]], axis=1).astype(np.int32)
