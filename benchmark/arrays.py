"""Array files whose bytes depend on their content alone."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from benchmark.errors import BadRecordError

_EPOCH = (1980, 1, 1, 0, 0, 0)


def array_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    """A compressed `.npz` file with fixed time stamps, names sorted: equal arrays, equal bytes.

    Args:
        arrays: By name; numbers, booleans or fixed-width text, never objects.

    Raises:
        BadRecordError: An array holds Python objects, which could only be read by pickle.
    """
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in sorted(arrays):
            value = np.ascontiguousarray(arrays[name]).reshape(np.shape(arrays[name]))
            if value.dtype.hasobject:
                raise BadRecordError(f"The array `{name}` holds objects; give it a fixed width.")
            item = io.BytesIO()
            np.lib.format.write_array(item, value, allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", date_time=_EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, item.getvalue())
    return target.getvalue()


def read_array_file(path: Path) -> dict[str, np.ndarray]:
    """All arrays of a file written by `array_bytes`."""
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}
