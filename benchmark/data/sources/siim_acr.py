"""Reads SIIM-ACR Pneumothorax: DICOM of stage 1 or 2 with run lengths, or the PNG copy."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.data.manifest import Manifest, Mask, SourceSpec
from benchmark.errors import BadDataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

SOURCE = SourceSpec(
    name="siim_acr",
    title="SIIM-ACR Pneumothorax Segmentation",
    licence="Rules of the Kaggle competition: for it and for academic research, not to be shared.",
    redistributable=False,
    obtain="Get `siim-acr-pneumothorax-segmentation` from Kaggle, or its copy `siim-train-test`.",
    folders=(
        "siim-acr-pneumothorax-segmentation",
        "siim-acr-pneumothorax",
        "siim-train-test",
        "SIIM-ACR_Pneumothorax",
        "siim_acr",
        "siim",
    ),
    namespace="siim",
    expected={
        "images": 12_047,
        "train": 10_675,
        "test": 1_372,
        "maco_lists train": 7_969,
        "maco_lists validation": 1_898,
        "maco_lists test": 1_904,
    },
)

CLASSES = ("Pneumothorax",)
FRAME = 1024
"""Side in pixels of every official image; the run lengths are given in it."""

EMPTY = "-1"
"""In place of run lengths: the image has no pneumothorax."""

TABLES = ("stage_2_train.csv", "train-rle.csv")
"""The first holds the images of the second and those of the first stage's test."""

LISTS = "SIIM-ACR_Pneumothorax"
_NOT_IMAGES = ("splits_", "png_masks", "masks")
_RUNS = re.compile(r"\d+ \d+( \d+ \d+)*")
_STAGE_1_FOLDER = re.compile(r"(?:^|/)dicom-images-(train|test)/")
_AGE = re.compile(r"0*(\d+)\s*([DMWY]?)")


def read(root: Path, *, allow_partial: bool = False, lists_root: Path | None = None) -> Manifest:
    """The images that have a row in the table; `Pneumothorax` is 1 where one has a mask.

    An image without a row is unlabelled, not negative: it is left out, and `release` counts such
    images. The patient is `PatientID` of the DICOM header, with sex and age; pictures without a
    header have their own id as patient. `split` is the stage 1 folder; in stage 2, whose test
    labels are hidden, every labelled image is `train`. The PNG copy keeps stage 1's split.

    Args:
        root: Folder of the challenge's files, however deep the images lie in it.
        allow_partial: Leave out listed images that are absent instead of failing.
        lists_root: Folder of published lists; otherwise looked for beside the data.

    Raises:
        MissingDataError: The table or an image is absent.
        BadDataError: A cell is neither run lengths nor -1, or an image has both.
    """
    from benchmark.data import published_lists
    from benchmark.data.sources import _files, _siim_png

    root = Path(root).resolve()
    index = _files.index_images(root, skip=_NOT_IMAGES)
    masks: Mapping[str, Mask]
    if _files.find_file(root, TABLES, _files.TABLE_ENDINGS) is None and _siim_png.is_copy(root):
        table, masks, paths = _siim_png.read_copy(root, index)
        release = "PNG copy of stage 1"
        places = {image: place for image, place in zip(table["image"], table["path"]) if place}
    else:
        path = _files.need_file(SOURCE, root, TABLES)
        places, paths = index, [path]
        masks = _read_masks(path)
        stage = "2" if path.name.startswith("stage_2") else "1"
        table = _rows(masks, index, stage)
        release = f"stage {stage}{_unlabelled(masks, index)}"
    ids = table["image"].tolist()
    present, absent = _files.present_rows(SOURCE, root, ids, places, allow_partial)
    table = table[present].reset_index(drop=True)
    mark, mark_path = _files.phantom_mark(root)
    return Manifest(
        dataset=SOURCE.name,
        release=release,
        root=root,
        images=_image_table(root, table, places),
        labels=table[["label"]].astype(float).set_axis(list(CLASSES), axis=1),
        lists=published_lists.find_lists(root, LISTS, CLASSES, lists_root),
        masks=masks,
        label_files=_files.relative(root, [*paths, mark_path]),
        phantom=mark,
        redistributable=SOURCE.redistributable,
        partial=len(absent),
        missing=absent[:10],
    )


def _read_masks(path: Path) -> dict[str, Mask]:
    """Masks by image from the table of run lengths: several rows an image, or one of -1."""
    from benchmark.data.sources import _files

    rows = _files.read_table(path)
    _files.need_columns(path, rows, ["ImageId", "EncodedPixels"])
    runs: dict[str, list[str]] = {}
    empty: Counter[str] = Counter()
    for image, text in zip(rows["ImageId"], rows["EncodedPixels"]):
        held = runs.setdefault(image, [])
        if text == EMPTY:
            empty[image] += 1
        elif _RUNS.fullmatch(text):
            held.append(text)
        else:
            raise BadDataError(
                f"`{path}`, image `{image}`: `{text[:40]}` is neither {EMPTY} nor pairs of run "
                "lengths."
            )
    both = [image for image in empty if runs[image]]
    if both:
        raise BadDataError(f"`{path}`, image `{both[0]}` is marked as empty and has a mask.")
    return {image: Mask(tuple(held), FRAME, FRAME) for image, held in runs.items()}


def _rows(masks: Mapping[str, Mask], index: Mapping[str, str], stage: str) -> pd.DataFrame:
    import pandas as pd

    splits = []
    for image in masks:
        folder = _STAGE_1_FOLDER.search(index.get(image, ""))
        splits.append(folder[1] if folder else "train" if stage == "2" else "")
    labels = [float(bool(mask.runs)) for mask in masks.values()]
    return pd.DataFrame({"image": list(masks), "split": splits, "label": labels})


def _unlabelled(masks: Mapping[str, Mask], index: Mapping[str, str]) -> str:
    count = sum(image not in masks for image in index)
    return f", {count:,} without a row left out" if count else ""


def _image_table(root: Path, table: pd.DataFrame, places: Mapping[str, str]) -> pd.DataFrame:
    import pandas as pd

    paths = [places[name] for name in table["image"]]
    headers = _headers([root / path for path in paths])
    people = [facts.get("PatientID", "") for facts in headers]
    return pd.DataFrame(
        {
            "image": table["image"],
            "path": paths,
            "patient": [
                f"{SOURCE.namespace}:{person or name}"
                for person, name in zip(people, table["image"])
            ],
            "study": table["image"],
            "view": "frontal",
            "split": table["split"],
            "sex": [_sex(facts.get("PatientSex", "")) for facts in headers],
            "age": [_years(facts.get("PatientAge", "")) for facts in headers],
        }
    )


def _headers(paths: Sequence[Path]) -> list[dict[str, str]]:
    """Patient id, sex and age of each file; nothing of files that are not DICOM."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor() as pool:
        return list(pool.map(_header, paths))


def _header(path: Path) -> dict[str, str]:
    if path.suffix.lower() != ".dcm":
        return {}
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    names = ("PatientID", "PatientSex", "PatientAge")
    try:
        data: Any = dcmread(path, stop_before_pixels=True, specific_tags=list(names))
    except (InvalidDicomError, EOFError):
        # The doctor and the store name unreadable files; a header is not worth failing for.
        return {}
    return {name: str(data.get(name, "") or "").strip() for name in names}


def _sex(text: str) -> str:
    return text[:1].upper() if text[:1].upper() in ("M", "F") else ""


def _years(text: str) -> float:
    """`62`, `062Y` -> 62; a child of days, weeks or months -> 0; anything else -> NaN."""
    found = _AGE.fullmatch(text.upper())
    if found is None:
        return float("nan")
    return 0.0 if found[2] in ("D", "W", "M") else float(found[1])
