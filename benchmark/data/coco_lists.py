"""Published detection lists in COCO form: images with their boxes, one file a part."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from benchmark.data.published_lists import FOLDER, PERCENTS
from benchmark.data.sources._files import stem_of
from benchmark.errors import BadDataError

if TYPE_CHECKING:
    from collections.abc import Iterable

NAME = "maco_detection"
_PARTS = {"train": "train", "val": "validation", "valid": "validation", "test": "test"}
_ENDINGS = (".json", ".json.gz")


def find_coco_lists(
    root: Path, prefix: str, positive: str, lists_root: Path | None = None
) -> dict[str, pd.DataFrame]:
    """The detection lists of a data set as `{"maco_detection": frame}`, or `{}`.

    Args:
        root: Folder of the data set; `splits_maco` is looked for in it and in up to two folders
            above.
        prefix: Beginning of the files' names.
        positive: Label column: 1 where an image has a box, else 0.
        lists_root: `splits_maco` itself or its parent; looked at first.
    """
    places = [base / FOLDER for base in (root, *list(root.parents)[:2])]
    if lists_root is not None:
        given = Path(lists_root)
        places = [given, given / FOLDER, *places]
    for place in places:
        files = coco_files(place, prefix)
        if files:
            return {NAME: read_coco_lists(files, positive)}
    return {}


def coco_files(folder: Path, prefix: str) -> dict[tuple[str, int], Path]:
    """COCO files of a folder by part and label percent (0 but for training).

    The part is a word of the file's name: `rsna_test_coco_format.json`, `rsna_train_10.json`.
    """
    found: dict[tuple[str, int], Path] = {}
    for path in sorted(folder.glob(f"{prefix}*")) if folder.is_dir() else ():
        if not path.is_file() or not path.name.endswith(_ENDINGS):
            continue
        words = re.split(r"[^a-z0-9]+", path.name.lower())
        part = next((_PARTS[word] for word in words if word in _PARTS), "")
        if part:
            percents = [int(word) for word in words if word in ("1", "10", "100")]
            percent = (percents or [100])[0] if part == "train" else 0
            found.setdefault((part, percent), path)
    return found


def read_coco_lists(files: dict[tuple[str, int], Path], positive: str) -> pd.DataFrame:
    """All COCO files of a set as one frame; see `Manifest.lists` for its columns."""
    frames = [
        parse_coco(path)[["image", "boxes"]].assign(split=part, percent=percent)
        for (part, percent), path in sorted(files.items(), key=lambda item: item[0][1])
    ]
    rows = pd.concat(frames, ignore_index=True)
    for percent in PERCENTS:
        held = set(rows.loc[(rows["split"] == "train") & (rows["percent"] == percent), "image"])
        rows[f"in_{percent}"] = (rows["split"] == "train") & rows["image"].isin(held)
    rows = rows.drop_duplicates(["image", "split"], keep="last").reset_index(drop=True)
    rows["subset"] = 100
    for percent in (10, 1):
        rows.loc[rows[f"in_{percent}"], "subset"] = percent
    rows[positive] = (rows["boxes"] > 0).astype(float)
    return rows[["image", "split", "subset", *(f"in_{item}" for item in PERCENTS), positive]]


def parse_coco(path: Path) -> pd.DataFrame:
    """One row an image of a COCO file: `image` (name without folder and suffix), `boxes`.

    Raises:
        BadDataError: The file is no COCO file, or a box belongs to no image.
    """
    opened = gzip.open if path.name.endswith(".gz") else open
    try:
        with opened(path, "rt", encoding="utf-8") as stream:
            content = json.load(stream)
        names = {item["id"]: stem_of(str(item["file_name"])) for item in content["images"]}
        counts = _counted(names, (item["image_id"] for item in content["annotations"]))
    except (ValueError, KeyError, TypeError) as error:
        raise BadDataError(f"`{path}` is not a COCO file: {error!r}.") from error
    return pd.DataFrame(
        {"image": list(names.values()), "boxes": [counts[key] for key in names]},
    ).astype({"image": object, "boxes": int})


def _counted(names: dict[int, str], owners: Iterable[int]) -> dict[int, int]:
    counts = dict.fromkeys(names, 0)
    for owner in owners:
        counts[owner] += 1
    return counts
