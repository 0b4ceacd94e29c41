"""Content keys: what a cell's result depends on, as hashes. Code enters through versions only."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmark.data.manifest import Manifest

_CHUNK_BYTES = 1 << 20
_known_data_keys: dict[tuple[str, str, int, int], str] = {}


def plain(value: Any) -> Any:
    """A value made of dict, list, str, int, float, bool and None only.

    Raises:
        TypeError: The value holds something that JSON has no form for.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(plain(item) for item in value)
    if isinstance(value, Path):
        return value.as_posix()
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    raise TypeError(f"{type(value).__name__} has no plain form")


def canonical_json(value: Any) -> str:
    """JSON that is equal for equal content: sorted keys, no spaces, no NaN."""
    return json.dumps(
        plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False
    )


def key_of(value: Any) -> str:
    """SHA-256 (hex) of the canonical JSON of a value."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def file_checksum(path: Path) -> str:
    """SHA-256 (hex) of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def data_key(manifest: Manifest) -> str:
    """Content key of a data set as it lies on the disk.

    Bytes of the label files, sorted (path, size) of the image files, published lists, reports
    (their sizes where `reports.listing()` gives them, else their texts), and how many listed
    images are absent. Pixels are not read: two images of equal size
    that were swapped are found when the image store is built, which hashes pixels. The listing
    is made once a process.
    """
    place = (manifest.dataset, str(manifest.root), len(manifest), manifest.partial)
    if place not in _known_data_keys:
        _known_data_keys[place] = _data_key(manifest)
    return _known_data_keys[place]


def _data_key(manifest: Manifest) -> str:
    digest = hashlib.sha256()

    def add(*parts: object) -> None:
        digest.update("\x1f".join(str(part) for part in parts).encode() + b"\x1e")

    add(manifest.dataset, manifest.release, manifest.partial)
    for name in sorted(str(item) for item in manifest.label_files):
        add("labels", Path(name).name, file_checksum(manifest.root / name))
    for path in sorted(str(item) for item in manifest.images["path"]):
        file = manifest.root / path
        add("image", path, file.stat().st_size if file.exists() else "absent")
    for name in sorted(manifest.lists):
        frame = manifest.lists[name]
        columns = sorted(frame.columns)
        add("list", name, frame[columns].to_csv(index=False))
    listing = getattr(manifest.reports, "listing", None)
    if callable(listing):
        for study, size in sorted(listing()):
            add("report", study, size)
    else:
        for study in sorted(manifest.reports):
            add("report", study, manifest.reports[study])
    return digest.hexdigest()


def data_id(manifest: Manifest) -> str:
    """Short name of the data in paths and tables; says `phantom` where it is synthetic.

    Returns:
        `{dataset}-phantom-v{version}-{hash}` or `{dataset}-{hash}`.
    """
    short = data_key(manifest)[:8]
    if manifest.phantom is None:
        return f"{manifest.dataset}-{short}"
    version = manifest.phantom.get("phantom_version", 1)
    return f"{manifest.dataset}-phantom-v{version}-{short}"


def forget_data_keys() -> None:
    """Empty the in-process cache of listings (after files changed)."""
    _known_data_keys.clear()
