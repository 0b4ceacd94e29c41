"""Run-length encoding of masks, in the two forms met in chest X-ray competitions.

Both run down the columns (column-major). `absolute` (Kaggle's common form): pairs of 1-based start
and length. `relative` (SIIM-ACR pneumothorax): pairs of offset from the end of the previous run,
starting at pixel 0, and length. An empty mask is `-1` in SIIM's files, an empty string elsewhere.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from benchmark.errors import BadDataError

Form = Literal["absolute", "relative"]
EMPTY = "-1"


def encode(mask: np.ndarray, form: Form = "relative") -> str:
    """Encode a mask (height, width), non-zero = inside."""
    flat = np.asarray(mask, dtype=bool).T.reshape(-1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flat, [False]]).astype(np.int8)))
    starts, ends = edges[::2], edges[1::2]
    if len(starts) == 0:
        return EMPTY if form == "relative" else ""
    first = starts - np.concatenate([[0], ends[:-1]]) if form == "relative" else starts + 1
    pairs = np.stack([first, ends - starts], axis=1).reshape(-1)
    return " ".join(str(number) for number in pairs)


def decode(text: str, height: int, width: int, form: Form = "relative") -> np.ndarray:
    """Decode into a boolean mask (height, width); surrounding spaces are ignored.

    Raises:
        BadDataError: An odd count of numbers, not numbers, or runs that leave the image.
    """
    flat = np.zeros(height * width, dtype=bool)
    stripped = text.strip()
    if stripped in ("", EMPTY):
        return flat.reshape(width, height).T
    try:
        numbers = [int(part) for part in stripped.split()]
    except ValueError as error:
        raise BadDataError(f"A run-length string holds no numbers: `{stripped[:40]}`.") from error
    if len(numbers) % 2:
        raise BadDataError("A run-length string has an odd count of numbers.")
    position = 0
    for first, length in zip(numbers[::2], numbers[1::2], strict=True):
        start = position + first if form == "relative" else first - 1
        position = start + length
        if first < 0 or length < 1 or start < 0 or position > len(flat):
            raise BadDataError(
                f"A run of {length} pixels from {start} leaves the image of {height} x {width}."
            )
        flat[start:position] = True
    return flat.reshape(width, height).T


def decode_union(texts: list[str], height: int, width: int, form: Form = "relative") -> np.ndarray:
    """The union of all rows of one image; the file has one row a mask."""
    mask = np.zeros((height, width), dtype=bool)
    for text in texts:
        mask |= decode(text, height, width, form)
    return mask
