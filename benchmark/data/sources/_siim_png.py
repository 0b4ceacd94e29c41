"""The re-issue of SIIM-ACR's first stage as PNG pictures and PNG masks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from benchmark.errors import BadDataError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from benchmark.data.sources._mask_files import MaskFiles

TABLES = {"stage_1_train_images.csv": "train", "stage_1_test_images.csv": "test"}
MASKS = "png_masks"
FRAME = 1024
"""Side in pixels of the official masks; a mask without a picture of its own is as large."""

INSIDE_ABOVE = 127
"""Masks are 0 and 255; values between stem from resizing."""


def is_copy(root: Path) -> bool:
    """Whether the folder holds the tables of the PNG copy."""
    return any((root / name).is_file() for name in TABLES)


def read_copy(root: Path, index: Mapping[str, str]) -> tuple[pd.DataFrame, MaskFiles, list[Path]]:
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
    from benchmark.data.sources._mask_files import MaskFiles

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
    return (
        table,
        MaskFiles(images, partial(_inside, root, dict(zip(images, masks)))),
        [*paths, *held],
    )


def _inside(root: Path, names: Mapping[str, str], image: str) -> np.ndarray:
    from benchmark.data.images import read_grey

    if not names[image]:
        return np.zeros((FRAME, FRAME), dtype=bool)
    return np.asarray(read_grey(root / names[image]) > INSIDE_ABOVE)
