"""Masks that are picture files: read when asked for; which are empty is remembered on disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from benchmark.data.manifest import Mask


class MaskFiles(Mapping[str, Mask]):
    """Masks by image, each read from its file when it is asked for."""

    def __init__(self, images: list[str], read: Callable[[str], np.ndarray]) -> None:
        """`read` gives the mask of one of the `images` as booleans (height, width)."""
        self._images = dict.fromkeys(images)
        self._read = read

    def __getitem__(self, image: str) -> Mask:
        from benchmark.metrics.rle import encode

        if image not in self._images:
            raise KeyError(image)
        inside = self._read(image)
        return Mask((encode(inside),) if inside.any() else (), *inside.shape)

    def __iter__(self) -> Iterator[str]:
        return iter(self._images)

    def __len__(self) -> int:
        return len(self._images)


def nonempty(
    masks: MaskFiles, paths: Mapping[str, Path], notes: Path | None = None
) -> dict[str, bool]:
    """By image, whether its mask holds a pixel.

    Args:
        masks: Read where the notes do not know a file as it is now.
        paths: The file behind each mask.
        notes: JSON file that keeps the answers by path, size and time of change, so that the
            next process opens no mask; None keeps nothing.
    """
    known = _noted(notes)
    marks = {image: _mark(path) for image, path in paths.items()}
    unread = [image for image in masks if marks[image] not in known]
    with ThreadPoolExecutor() as pool:
        found = pool.map(lambda image: bool(masks[image].runs), unread)
        known.update(zip((marks[image] for image in unread), found))
    if notes is not None and unread:
        _keep(notes, known)
    return {image: known[marks[image]] for image in masks}


def _mark(path: Path) -> str:
    state = path.stat()
    return f"{path} {state.st_size} {state.st_mtime_ns}"


def _noted(notes: Path | None) -> dict[str, bool]:
    try:
        content = json.loads(notes.read_text(encoding="utf-8")) if notes else {}
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _keep(notes: Path, known: Mapping[str, bool]) -> None:
    from benchmark.records import write_atomically

    notes.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(notes, json.dumps(dict(sorted(known.items())), indent=0).encode())
