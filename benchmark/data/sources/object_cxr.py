"""Reads object-CXR: foreign objects as rectangles, ellipses and polygons; every box of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from benchmark.data.manifest import Manifest, SourceSpec
from benchmark.errors import BadDataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

SOURCE = SourceSpec(
    name="object_cxr",
    title="object-CXR",
    licence="CC BY-NC 4.0 by hearsay: read the data set's own page before use.",
    redistributable=False,
    obtain="Get train and dev from JF Healthcare's page or its torrent and unpack both zips; the "
    "Kaggle copy `raddar/foreign-objects-in-chest-xrays` also holds the test part.",
    folders=("object-cxr", "object_cxr", "object-CXR", "foreign-objects-in-chest-xrays"),
    namespace="object_cxr",
    expected={"images": 10_000, "train": 8_000, "validation": 1_000, "test": 1_000},
)

CLASSES = ("Foreign object",)
KINDS = {"0": "rectangle", "1": "ellipse", "2": "polygon"}
PARTS = {"train": "train", "dev": "validation", "test": "test"}


@dataclass(frozen=True)
class Shape:
    """One annotated object: its kind and its points (n, 2), x and y in pixels of the image."""

    kind: Literal["rectangle", "ellipse", "polygon"]
    points: np.ndarray

    @property
    def box(self) -> tuple[float, float, float, float]:
        """The tight (x, y, width, height); of a polygon that of its points."""
        low, high = self.points.min(axis=0), self.points.max(axis=0)
        return float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1])


def parse_annotation(text: str) -> list[Shape]:
    """The objects of one cell: `KIND x y x y ...`, separated by `;`; an empty cell has none.

    Raises:
        BadDataError: An unknown kind, no numbers, or not as many points as the kind needs.
    """
    return [_shape(part) for part in text.split(";") if part.strip()]


def _shape(text: str) -> Shape:
    kind, *cells = text.split()
    if kind not in KINDS:
        raise BadDataError(f"object-CXR: `{text.strip()[:40]}` is of no known kind {list(KINDS)}.")
    try:
        points = np.array([float(cell) for cell in cells])
    except ValueError as error:
        raise BadDataError(f"object-CXR: `{text.strip()[:40]}` holds no numbers.") from error
    polygon = kind == "2"
    enough = len(points) > 0 if polygon else len(points) == 4
    if len(points) % 2 or not enough or not np.isfinite(points).all():
        raise BadDataError(
            f"object-CXR: `{text.strip()[:40]}` has {len(points)} coordinates; a {KINDS[kind]} "
            f"has {'pairs of them' if polygon else 'four'}."
        )
    return Shape(KINDS[kind], points.reshape(-1, 2))  # type: ignore[arg-type]


def read(root: Path, *, allow_partial: bool = False, lists_root: Path | None = None) -> Manifest:
    """Images with one label, and a box an object; there are no patients, so each image is one.

    The dev part is `validation`; Kaggle's test part is `test`.

    Args:
        root: Folder with `train.csv`, `dev.csv` (and Kaggle's `test.csv`), the images below it.
        allow_partial: Leave out listed images that are absent.
        lists_root: Not used.

    Raises:
        MissingDataError: No table, or an image is absent.
        BadDataError: An annotation that cannot be read.
    """
    from benchmark.data.sources import _files

    root = Path(root).resolve()
    table, used = _tables(root)
    index = _files.index_images(root, skip=("splits_",))
    ids = table["image"].tolist()
    present, absent = _files.present_rows(SOURCE, root, ids, index, allow_partial)
    table = table[present].reset_index(drop=True)
    shapes = {
        image: parse_annotation(text)
        for image, text in zip(table["image"], table["annotation"])
        if text
    }
    mark, mark_path = _files.phantom_mark(root)
    return Manifest(
        dataset=SOURCE.name,
        release="+".join(part for part in PARTS if table["split"].eq(PARTS[part]).any()),
        root=root,
        images=_image_table(table, index),
        labels=_labels(table, shapes),
        boxes=_boxes(table, shapes, root, index),
        label_files=_files.relative(root, [*used, mark_path]),
        phantom=mark,
        redistributable=SOURCE.redistributable,
        partial=len(absent),
        missing=absent[:10],
    )


def _tables(root: Path) -> tuple[pd.DataFrame, list[Path]]:
    """Rows of all parts that are there: image, split, annotation; `train.csv` must be."""
    import pandas as pd

    from benchmark.data.sources import _files

    paths = {"train": _files.need_file(SOURCE, root, ["train.csv", "train/train.csv"])}
    for part in ("dev", "test"):
        path = _files.find_file(root, [f"{part}.csv", f"{part}/{part}.csv"], _files.TABLE_ENDINGS)
        if path is not None:
            paths[part] = path
    frames = []
    for part, path in paths.items():
        table = _files.read_table(path, {"image_name": ["image_path"]})
        _files.need_columns(path, table, ["image_name", "annotation"])
        names = [_files.stem_of(name) for name in table["image_name"]]
        frames.append(
            table.assign(image=names, split=PARTS[part])[["image", "split", "annotation"]]
        )
    return pd.concat(frames, ignore_index=True), list(paths.values())


def _image_table(table: pd.DataFrame, index: Mapping[str, str]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {
            "image": table["image"],
            "path": [index[name] for name in table["image"]],
            "patient": SOURCE.namespace + ":" + table["image"],
            "study": table["image"],
            "view": "frontal",
            "split": table["split"],
            "sex": "",
            "age": float("nan"),
        }
    )


def _labels(table: pd.DataFrame, shapes: Mapping[str, list[Shape]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({CLASSES[0]: [float(bool(shapes.get(name))) for name in table["image"]]})


def _boxes(
    table: pd.DataFrame, shapes: Mapping[str, list[Shape]], root: Path, index: Mapping[str, str]
) -> pd.DataFrame:
    """One row an object that has an area, in pixels of its image, whose header gives the size."""
    import pandas as pd

    from benchmark.data.images import image_size
    from benchmark.data.manifest import BOX_COLUMNS

    rows: list[tuple[object, ...]] = []
    for image, split in zip(table["image"], table["split"]):
        boxes = [shape.box for shape in shapes.get(image, ())]
        boxes = [box for box in boxes if min(box[2:]) > 0]
        if boxes:
            height, width = image_size(root / index[image])
            rows += [(image, CLASSES[0], "", *box, width, height, split) for box in boxes]
    return pd.DataFrame(rows, columns=list(BOX_COLUMNS))
