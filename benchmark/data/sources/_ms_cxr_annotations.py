"""The annotations of MS-CXR, from the COCO form or the CSV; patient and study are in the paths."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from benchmark.errors import BadDataError, MissingDataError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from benchmark.data.manifest import SourceSpec

_SPLITS = {"train": "train", "val": "validation", "validate": "validation", "test": "test"}
_SUBJECT = re.compile(r"(?:^|/)p(\d{3,})/")
_STUDY = re.compile(r"(?:^|/)s(\d+)/")


def annotation_file(source: SourceSpec, root: Path) -> Path:
    """The file of phrases and boxes below the folder of a release, or of the data set.

    Args:
        source: What a message says of the data set.
        root: Where it is looked for.

    Raises:
        MissingDataError: There is none.
    """
    for folder in (root, root / "1.1.0", root / "0.1"):
        for ending in (".json", ".csv", ".csv.gz"):
            found = sorted(folder.glob(f"MS_CXR_Local_Alignment_v*{ending}"))
            if found:
                return found[-1]
    raise MissingDataError(
        "MS-CXR: no `MS_CXR_Local_Alignment_v*.json` or `.csv` is there.",
        looked_in=[root, root / "1.1.0", root / "0.1"],
        remedy=f"{source.obtain} Licence: {source.licence}",
    )


def read_annotations(path: Path) -> pd.DataFrame:
    """One row a box: `file`, `label`, `phrase`, `x`, `y`, `w`, `h`, `width`, `height`, `split`.

    Raises:
        BadDataError: The file is broken, or a box has no image, path or size.
    """
    return _of_json(path) if path.name.endswith(".json") else _of_csv(path)


def _of_json(path: Path) -> pd.DataFrame:
    """One row an annotation, from the COCO form."""
    import pandas as pd

    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        categories = {item["id"]: str(item["name"]) for item in data["categories"]}
        images = {item["id"]: item for item in data["images"]}
        rows = [_row(item, images[item["image_id"]], categories) for item in data["annotations"]]
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise BadDataError(f"`{path}` is not the MS-CXR JSON: {error!r}.") from error
    return pd.DataFrame(rows)


def _row(note: dict[str, Any], image: dict[str, Any], categories: dict[Any, str]) -> dict[str, Any]:
    x, y, w, h = (float(value) for value in note["bbox"])
    return {
        "file": str(image.get("path") or image["file_name"]),
        "label": categories[note["category_id"]],
        "phrase": str(note["label_text"]).strip(),
        "x": x,
        "y": y,
        "w": w,
        "h": h,
        "width": int(note.get("width") or image["width"]),
        "height": int(note.get("height") or image["height"]),
        "split": _split(str(note.get("split") or "")),
    }


def _of_csv(path: Path) -> pd.DataFrame:
    import pandas as pd

    from benchmark.data.sources import _files

    table = _files.read_table(path)
    sizes = ("x", "y", "w", "h", "image_width", "image_height")
    _files.need_columns(path, table, ["category_name", "label_text", "path", *sizes])
    values = {name.removeprefix("image_"): _files.numbers(table[name]) for name in sizes}
    rows = pd.DataFrame(
        {
            "file": table["path"],
            "label": table["category_name"],
            "phrase": table["label_text"],
            **values,
            "split": [_split(text) for text in table["split"]] if "split" in table else "",
        }
    )
    if rows[list(values)].isna().any(axis=None):
        raise BadDataError(f"`{path}` has a box without numbers.")
    return rows.astype({"width": int, "height": int})


def _split(text: str) -> str:
    if text and text.lower() not in _SPLITS:
        raise BadDataError(f"MS-CXR has the unknown split `{text}`.")
    return _SPLITS.get(text.lower(), "")


def subject_of(path: str) -> str:
    """Number of the patient that a path names; empty where it names none."""
    return _last(_SUBJECT, path)


def study_of(path: str) -> str:
    """Number of the study that a path names; empty where it names none."""
    return _last(_STUDY, path)


def _last(pattern: re.Pattern[str], text: str) -> str:
    """The last match, as `p10/p10999901/` names the group before the patient."""
    found = pattern.findall(text)
    return str(found[-1]) if found else ""
