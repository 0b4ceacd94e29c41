"""The re-issue of SIIM-ACR's first stage as PNG pictures and PNG masks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from benchmark.data.manifest import Mask
from benchmark.errors import BadDataError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

TABLES = {"stage_1_train_images.csv": "train", "stage_1_test_images.csv": "test"}
MASKS = "png_masks"
FRAME = 1024
"""Side in pixels of the official masks; a mask without a picture of its own is as large."""

INSIDE_ABOVE = 127
"""Masks are 0 and 255; values between stem from resizing."""


class PngMasks(Mapping[str, Mask]):
    """Masks by image, each read from its file when it is asked for."""

    def __init__(self, root: Path, names: Mapping[str, str]) -> None:
        """Mask files below `root` by image; without a name the mask is empty."""
        self._root = root
        self._names = dict(names)

    def __getitem__(self, image: str) -> Mask:
        from benchmark.data.images import read_grey
        from benchmark.metrics.rle import encode

        name = self._names[image]
        if not name:
            return Mask((), FRAME, FRAME)
        inside = read_grey(self._root / name) > INSIDE_ABOVE
        return Mask((encode(inside),) if inside.any() else (), *inside.shape)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def is_copy(root: Path) -> bool:
    """Whether the folder holds the tables of the PNG copy."""
    return any((root / name).is_file() for name in TABLES)


def read_copy(root: Path, index: Mapping[str, str]) -> tuple[pd.DataFrame, PngMasks, list[Path]]:
    """Rows `image`, `path`, `split`, `label`, the masks, and the files that hold the labels.

    Args:
        root: Folder of the tables, `png_images` and `png_masks`.
        index: Path below `root` by file stem.

    Returns:
        `path` is empty for pictures that are absent. `image` is the challenge's id where the
        tables state it, else the stem of the picture.
    """
    import pandas as pd

    from benchmark.data.sources import _files

    frames, paths = [], []
    for name, split in TABLES.items():
        path = _files.find_file(root, [name])
        if path is not None:
            table = _files.read_table(path)
            _files.need_columns(path, table, ["new_filename", "has_pneumo"])
            wrong = set(table["has_pneumo"]) - {"0", "1"}
            if wrong:
                raise BadDataError(f"`{path}`: `has_pneumo` must be 0 or 1, not {sorted(wrong)}.")
            frames.append(_files.with_columns(table, "ImageId").assign(split=split))
            paths.append(path)
    rows = pd.concat(frames, ignore_index=True)
    stems = [_files.stem_of(name) for name in rows["new_filename"]]
    images = [image or stem for image, stem in zip(rows["ImageId"], stems)]
    label = rows["has_pneumo"].astype(float)
    masks = [f"{MASKS}/{name}" if has else "" for name, has in zip(rows["new_filename"], label)]
    table = pd.DataFrame(
        {
            "image": images,
            "path": [index.get(stem, "") for stem in stems],
            "split": rows["split"],
            "label": label,
        }
    )
    held = [root / name for name in masks if name and (root / name).is_file()]
    return table, PngMasks(root, dict(zip(images, masks))), [*paths, *held]
