"""Reads MS-CXR (0.1 and 1.1.0): boxes and phrases on images of MIMIC-CXR-JPG."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.data.manifest import Manifest, SourceSpec
from benchmark.data.sources._ms_cxr_annotations import (
    annotation_file,
    read_annotations,
    study_of,
    subject_of,
)
from benchmark.errors import BadDataError, MissingDataError

if TYPE_CHECKING:
    import pandas as pd

SOURCE = SourceSpec(
    name="ms_cxr",
    title="MS-CXR",
    licence="PhysioNet credentialed access with a signed data use agreement; no sharing.",
    redistributable=False,
    obtain="Get `ms-cxr` and its images, `mimic-cxr-jpg`, from PhysioNet.",
    folders=("ms-cxr/1.1.0", "ms-cxr/0.1", "ms-cxr"),
    namespace="mimic",
    expected={"images": 1_047, "boxes": 1_448, "pairs": 1_162, "patients": 851},
)

CLASSES = (
    "Atelectasis",
    "Cardiomegaly",
    "Consolidation",
    "Edema",
    "Lung Opacity",
    "Pleural Effusion",
    "Pneumonia",
    "Pneumothorax",
)


def read(
    root: Path,
    *,
    allow_partial: bool = False,
    lists_root: Path | None = None,
    mimic_root: Path | None = None,
) -> Manifest:
    """One row a JPEG, one box row an annotation; the manifest's root is that of the images.

    A row of the file is a box; the boxes of one image, category and phrase are one pair. The
    repeated image records are merged. `labels` say 1 where a category is boxed, else NaN: an
    image without a box of a category may still show it. Release 0.1 has no split.

    Args:
        root: Folder of the annotations.
        allow_partial: Leave out images (with their boxes) that are absent.
        lists_root: Not used.
        mimic_root: Folder of MIMIC-CXR-JPG; otherwise it is looked for beside `root`.

    Raises:
        MissingDataError: Annotations or images are absent.
        BadDataError: A box has no image, path or size, or an image stands in two splits.
    """
    from benchmark.data.sources import _files

    path = annotation_file(SOURCE, Path(root).resolve())
    boxes = read_annotations(path)
    images_root = _images_root(path.parent, mimic_root)
    boxes["image"] = boxes["file"].map(_files.stem_of)
    named = boxes.drop_duplicates("image").reset_index(drop=True)
    index = _find_images(images_root, named)
    ids = named["image"].tolist()
    present, absent = _files.present_rows(SOURCE, images_root, ids, index, allow_partial)
    images = _image_table(named[present].reset_index(drop=True), index, boxes)
    mark, mark_path = _files.phantom_mark(path.parent)
    return Manifest(
        dataset=SOURCE.name,
        release="1.1.0" if boxes["split"].ne("").any() else "0.1",
        root=images_root,
        images=images,
        labels=_labels(images, boxes),
        boxes=_box_table(boxes[boxes["image"].isin(set(images["image"]))]),
        label_files=_files.relative(images_root, [path, mark_path]),
        phantom=mark,
        redistributable=SOURCE.redistributable,
        partial=len(absent),
        missing=absent[:10],
    )


def _images_root(root: Path, mimic_root: Path | None) -> Path:
    from benchmark.data.sources import mimic_cxr

    if mimic_root is not None:
        return mimic_cxr.release_root(Path(mimic_root).resolve())
    places = [
        base / folder
        for base in (root.parent, root.parent.parent)
        for folder in mimic_cxr.SOURCE.folders
    ]
    for place in (*places, root):
        if (place / "files").is_dir():
            return place
    raise MissingDataError(
        "MS-CXR: its images, those of MIMIC-CXR-JPG, were not found.",
        looked_in=places,
        remedy=f"{SOURCE.obtain} Put both below one --data-root, or name the folder of mimic_cxr "
        "in maco-bench.toml.",
    )


def _find_images(root: Path, named: pd.DataFrame) -> dict[str, str]:
    """Path by image: as the file says, else by a walk over the folder (only when needed)."""
    from benchmark.data.sources import _files

    index: dict[str, str] = {}
    for image, file in zip(named["image"], named["file"]):
        tail = file.split("files/", 1)[-1]
        for path in (f"files/{tail}", tail):
            if "/" in path and (root / path).is_file():
                index[image] = path
                break
    if len(index) < len(named):
        walked = _files.index_images(root, "files")
        index.update({name: walked[name] for name in named["image"] if name in walked})
    return index


def _image_table(named: pd.DataFrame, index: dict[str, str], boxes: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    per_image = boxes.groupby("image")["split"].nunique()
    if (per_image > 1).any():
        raise BadDataError(f"MS-CXR: image `{per_image.idxmax()}` stands in two splits.")
    paths = [index[name] for name in named["image"]]
    subjects = [subject_of(name) or subject_of(path) for name, path in zip(named["file"], paths)]
    if not all(subjects):
        raise BadDataError(f"MS-CXR: `{named['file'].iloc[subjects.index('')]}` has no patient.")
    studies = [study_of(name) or study_of(path) for name, path in zip(named["file"], paths)]
    return pd.DataFrame(
        {
            "image": named["image"],
            "path": paths,
            "patient": [f"{SOURCE.namespace}:{subject}" for subject in subjects],
            "study": studies,
            "view": "frontal",
            "split": named["split"],
            "sex": "",
            "age": float("nan"),
        }
    )


def _labels(images: pd.DataFrame, boxes: pd.DataFrame) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    extra = sorted(set(boxes["label"]) - set(CLASSES))
    values = {}
    for name in (*CLASSES, *extra):
        shown = set(boxes.loc[boxes["label"] == name, "image"])
        values[name] = np.where(images["image"].isin(shown), 1.0, np.nan)
    return pd.DataFrame(values)


def _box_table(boxes: pd.DataFrame) -> pd.DataFrame:
    from benchmark.data.manifest import BOX_COLUMNS

    return boxes[list(BOX_COLUMNS)].reset_index(drop=True)
