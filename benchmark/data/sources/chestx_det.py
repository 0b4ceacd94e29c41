"""Reads ChestX-Det: boxes and outlines of 13 findings on renumbered images of NIH ChestX-ray14."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.data.manifest import Manifest, SourceSpec
from benchmark.errors import BadDataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

SOURCE = SourceSpec(
    name="chestx_det",
    title="ChestX-Det",
    licence="Apache-2.0 for the annotations; the images are NIH ChestX-ray14's.",
    redistributable=True,
    obtain="Get the two JSON files and the image zips from Deepwise-AILab/ChestX-Det-Dataset on "
    "GitHub and unpack the zips.",
    folders=("chestx-det", "chestx_det", "ChestX-Det", "ChestX-Det-Dataset"),
    namespace="chestx_det",
    expected={"images": 3_578, "train": 3_025, "test": 553, "boxes": 9_639},
)

CLASSES = (
    "Atelectasis",
    "Calcification",
    "Cardiomegaly",
    "Consolidation",
    "Diffuse Nodule",
    "Effusion",
    "Emphysema",
    "Fibrosis",
    "Fracture",
    "Mass",
    "Nodule",
    "Pleural Thickening",
    "Pneumothorax",
)
FRAME = 1024
"""Side in pixels of the square that boxes and outlines are given in."""

FILES = {"train": "ChestX_Det_train.json", "test": "ChestX_Det_test.json"}


@dataclass(frozen=True)
class Instance:
    """One finding on one image.

    Attributes:
        box: x, y, width, height in pixels of the frame; tight around the outline, but at least
            20 pixels a side in the official files.
        outline: (n, 2), x and y of its corners, in the same pixels.
    """

    image: str
    label: str
    box: tuple[float, float, float, float]
    outline: np.ndarray


def parse_annotations(data: bytes, where: str) -> tuple[list[str], list[Instance]]:
    """The images of one JSON file, in order, and what is drawn on them.

    Raises:
        BadDataError: Not that JSON, lists of unequal length, or an unknown finding.
    """
    from benchmark.data.sources import _files

    try:
        entries = json.loads(data)
        images = [_files.stem_of(entry["file_name"]) for entry in entries]
        found = [item for name, entry in zip(images, entries) for item in _instances(name, entry)]
    except (ValueError, KeyError, TypeError) as error:
        raise BadDataError(f"`{where}` is not a JSON of ChestX-Det: {error!r}.") from error
    unknown = sorted({item.label for item in found} - set(CLASSES))
    if unknown:
        raise BadDataError(f"`{where}` has the unknown findings {unknown}.")
    return images, found


def _instances(image: str, entry: dict[str, Any]) -> list[Instance]:
    """The findings of an image, whose four lists run in parallel."""
    found = []
    for label, box, outline in zip(entry["syms"], entry["boxes"], entry["polygons"], strict=True):
        left, top, right, bottom = (float(value) for value in box)
        corners = np.array(outline, dtype=np.float64).reshape(-1, 2)
        found.append(Instance(image, str(label), (left, top, right - left, bottom - top), corners))
    return found


def read(root: Path, *, allow_partial: bool = False, lists_root: Path | None = None) -> Manifest:
    """Images with 13 known labels and a box an instance, in the 1024 x 1024 frame.

    The images carry new numbers and no table leads back to NIH's names. So each image counts as a
    patient, and which of them lie in a corpus or a training list of NIH cannot be told.

    Args:
        root: Folder of the two JSON files (plain or .gz), the images somewhere below it.
        allow_partial: Leave out listed images that are absent.
        lists_root: Not used.

    Raises:
        MissingDataError: A JSON file or an image is absent.
        BadDataError: A JSON file is not what its release says.
    """
    from benchmark.data.sources import _files

    root = Path(root).resolve()
    paths, splits, instances = [], {}, []
    for split, name in FILES.items():
        path = _files.need_file(SOURCE, root, [name])
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        images, found = parse_annotations(data, str(path))
        paths.append(path)
        splits.update(dict.fromkeys(images, split))
        instances += found
    index = _files.index_images(root)
    ids = list(splits)
    present, absent = _files.present_rows(SOURCE, root, ids, index, allow_partial)
    kept = [name for name, here in zip(ids, present) if here]
    mark, mark_path = _files.phantom_mark(root)
    return Manifest(
        dataset=SOURCE.name,
        release="13 findings",
        root=root,
        images=_image_table(kept, index, splits),
        labels=_labels(kept, instances),
        boxes=_boxes(kept, instances, splits),
        label_files=_files.relative(root, [*paths, mark_path]),
        phantom=mark,
        redistributable=SOURCE.redistributable,
        partial=len(absent),
        missing=absent[:10],
    )


def _image_table(
    images: Sequence[str], index: dict[str, str], splits: dict[str, str]
) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {
            "image": images,
            "path": [index[name] for name in images],
            "patient": [f"{SOURCE.namespace}:{name}" for name in images],
            "study": images,
            "view": "frontal",
            "split": [splits[name] for name in images],
            "sex": "",
            "age": float("nan"),
        }
    )


def _labels(images: Sequence[str], instances: Sequence[Instance]) -> pd.DataFrame:
    import pandas as pd

    shown = {(item.image, item.label) for item in instances}
    return pd.DataFrame(
        {label: [float((name, label) in shown) for name in images] for label in CLASSES}
    )


def _boxes(
    images: Sequence[str], instances: Sequence[Instance], splits: dict[str, str]
) -> pd.DataFrame:
    import pandas as pd

    from benchmark.data.manifest import BOX_COLUMNS

    kept = set(images)
    rows = [
        (item.image, item.label, "", *item.box, FRAME, FRAME, splits[item.image])
        for item in instances
        if item.image in kept
    ]
    return pd.DataFrame(rows, columns=list(BOX_COLUMNS))
