"""Images decoded once into one memory-mapped uint8 file; see `open_store`.

A store is a folder: `pixels.bin` (all images, row-major, one after the other) and `index.npz`.
It is built under another name and renamed when it is whole, so a killed build leaves no store.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import time
import uuid
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from benchmark.data import images
from benchmark.errors import BadDataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmark.data.manifest import Manifest
    from benchmark.interfaces import Progress

STORE_VERSION = 1
_POLL_SECONDS = 0.2
_WINDOW = 64


class ImageStore:
    """The decoded images of one manifest, by row.

    Attributes:
        folder: Where the store lies.
        pixel_hash: SHA-256 over all pixels and sizes, computed when the store was built.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with np.load(folder / "index.npz", allow_pickle=False) as index:
            self._offsets = index["offsets"]
            self._sizes = index["sizes"]
            self._originals = index["originals"]
            self.pixel_hash = str(index["pixel_hash"])
        path = folder / "pixels.bin"
        expected = int(self._sizes.prod(axis=1).sum())
        size = path.stat().st_size
        if size != expected:
            raise BadDataError(
                f"The image store `{folder}` is damaged: {size:,} bytes of {expected:,}.",
                remedy="Delete the folder; it is built again.",
            )
        self._pixels = np.memmap(path, np.uint8, "r") if expected else np.zeros(0, np.uint8)

    def __len__(self) -> int:
        return len(self._offsets)

    def __getitem__(self, row: int) -> np.ndarray:
        """Pixels of a row of the manifest: uint8 (h, w), read-only."""
        height, width = (int(side) for side in self._sizes[row])
        start = int(self._offsets[row])
        view = self._pixels[start : start + height * width]
        return np.asarray(view).reshape(height, width)

    def original_size(self, row: int) -> tuple[int, int]:
        """Height and width of the image file in pixels."""
        height, width = self._originals[row]
        return int(height), int(width)

    def __getstate__(self) -> dict[str, Any]:
        return {"folder": self.folder}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["folder"])  # type: ignore[misc]


def open_store(
    manifest: Manifest,
    longest_side: int,
    cache_dir: Path,
    progress: Progress | None = None,
    *,
    key: str = "",
    threads: int = 0,
) -> ImageStore:
    """The store of a manifest's images, built when it is not there yet.

    Opening an existing one opens no image file. When two processes want the same store one
    builds it and the other waits; a builder that dies gives its lock back.

    Args:
        manifest: Its rows are the store's rows.
        longest_side: Images are shrunk (by area, aspect kept) to it, never enlarged.
        cache_dir: Where stores lie; may be deleted at any time.
        progress: Told after each image.
        key: Data key of the manifest (`benchmark.fingerprint.data_key`); without one, paths and
            file sizes are listed.
        threads: Decoding threads; 0 takes the processors, at most 16.

    Raises:
        BadDataError: An image is unreadable.
        UsageError: The disk has not enough room.
    """
    final = Path(cache_dir) / "stores" / store_name(manifest, longest_side, key)
    if not (final / "index.npz").is_file():
        final.parent.mkdir(parents=True, exist_ok=True)
        with _lock(final.with_name(final.name + ".lock")):
            if not (final / "index.npz").is_file():
                _build(manifest, longest_side, final, progress, threads)
    return ImageStore(final)


def store_name(manifest: Manifest, longest_side: int, key: str = "") -> str:
    """Folder name of a store: data set, hash of key and rows, longest side, decoder version."""
    digest = hashlib.sha256(f"{key}\n".encode())
    for image, path in zip(manifest.images["image"], manifest.images["path"]):
        size = 0 if key else (manifest.root / path).stat().st_size
        digest.update(f"{image}\x1f{path}\x1f{size}\n".encode())
    version = f"{STORE_VERSION}.{images.DECODER_VERSION}"
    return f"{manifest.dataset}-{digest.hexdigest()[:16]}-{longest_side}px-v{version}"


def shrink(image: np.ndarray, longest_side: int) -> np.ndarray:
    """The image with its long side at most `longest_side`, by area; never enlarged."""
    height, width = image.shape
    long = max(height, width)
    if long <= longest_side:
        return image
    size = tuple(max(1, round(side * longest_side / long)) for side in (width, height))
    return np.asarray(Image.fromarray(image).resize((size[0], size[1]), Image.Resampling.BOX))


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold an exclusive file lock. The system releases it when its holder dies, however it does.

    On a file system without locks two processes may both build; the first rename wins.
    """
    with path.open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(_POLL_SECONDS)
            except OSError:
                break
        yield


def _build(
    manifest: Manifest, longest_side: int, final: Path, progress: Progress | None, threads: int
) -> None:
    for left in final.parent.glob(f".{final.name}.*"):
        shutil.rmtree(left, ignore_errors=True)
    _check_space(len(manifest) * longest_side**2, final.parent)
    building = final.with_name(f".{final.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}")
    building.mkdir()
    try:
        _write(manifest, longest_side, building, progress, threads)
        try:
            building.rename(final)
        except OSError:
            if not (final / "index.npz").is_file():
                raise
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _check_space(needed: int, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise UsageError(
            f"The image store needs up to {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB are free.",
            looked_in=[folder],
            remedy="Free some room, or name another disk with --cache-dir.",
        )


def _write(
    manifest: Manifest, longest_side: int, folder: Path, progress: Progress | None, threads: int
) -> None:
    digest = hashlib.sha256()
    offsets, sizes, originals = [], [], []
    offset = 0
    with (folder / "pixels.bin").open("wb") as file:
        for image, original in _decoded(manifest, longest_side, threads):
            data = np.ascontiguousarray(image).tobytes()
            file.write(data)
            digest.update(f"{image.shape}".encode())
            digest.update(data)
            offsets.append(offset)
            sizes.append(image.shape)
            originals.append(original)
            offset += len(data)
            if progress is not None:
                progress(f"images of {manifest.dataset}", len(offsets), len(manifest))
        file.flush()
        os.fsync(file.fileno())
    np.savez(
        folder / "index.npz",
        offsets=np.asarray(offsets, dtype=np.int64),
        sizes=np.asarray(sizes, dtype=np.int64).reshape(-1, 2),
        originals=np.asarray(originals, dtype=np.int64).reshape(-1, 2),
        pixel_hash=np.asarray(digest.hexdigest()),
    )


def _decoded(
    manifest: Manifest, longest_side: int, threads: int
) -> Iterator[tuple[np.ndarray, tuple[int, int]]]:
    """Decoded images in the order of the rows, with at most `_WINDOW` ahead of the reader."""

    def decode(path: str) -> tuple[np.ndarray, tuple[int, int]]:
        image = images.read_grey(manifest.root / path)
        return shrink(image, longest_side), (image.shape[0], image.shape[1])

    workers = threads or min(16, os.cpu_count() or 1)
    waiting: deque[Future[tuple[np.ndarray, tuple[int, int]]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for path in manifest.images["path"]:
                waiting.append(pool.submit(decode, str(path)))
                if len(waiting) >= _WINDOW:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
