"""Reads any CSV of image path, text and patient: a hospital's own data."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.data.manifest import Manifest, SourceSpec
from benchmark.errors import MissingDataError, UsageError, unknown_name

if TYPE_CHECKING:
    import pandas as pd

SOURCE = SourceSpec(
    name="csv_pairs",
    title="A CSV of images and texts",
    licence="That of your own data.",
    redistributable=False,
    obtain="Write a CSV with the columns image (path), text and patient.",
    folders=("csv-pairs", "csv_pairs", "pairs"),
    namespace="csv",
)

TABLES = ("pairs.csv", "train.csv", "metadata.csv", "data.csv")
GUESSES = {
    "image": ("image", "path", "file", "filename", "image_path", "img", "Path"),
    "text": ("text", "report", "caption", "impression", "clinical_notes", "notes", "findings"),
    "patient": ("patient", "patient_id", "patientid", "subject_id", "subject", "PatientID"),
}
VIEWS = {
    **dict.fromkeys(("AP", "PA", "AP SUPINE", "FRONTAL"), "frontal"),
    **dict.fromkeys(("L", "LL", "LAT", "LATERAL"), "lateral"),
}
SPLITS = {
    "": "",
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "val", "valid", "validate", "dev"), "validation"),
    "test": "test",
}


def read(
    root: Path,
    *,
    allow_partial: bool = False,
    lists_root: Path | None = None,
    file: str = "",
    image_column: str = "",
    text_column: str = "",
    patient_column: str = "",
    namespace: str = "csv",
) -> Manifest:
    """One image a row, each its own study; optional columns view, split, sex and age.

    Args:
        root: Folder of the CSV; image paths are relative to it (or absolute).
        allow_partial: Leave out rows whose image is absent instead of failing.
        lists_root: Not used.
        file: Name of the CSV in `root`; `pairs.csv` and common names are tried otherwise.
        image_column: Column of the image paths; guessed from common names otherwise.
        text_column: Column of the texts; likewise.
        patient_column: Column of the patients; likewise. Without one every image counts as a
            patient, and `release` says so.
        namespace: Before the colon of patient names.

    Raises:
        MissingDataError: The CSV or an image is absent.
        UsageError: A column cannot be found.
    """
    from benchmark.data.sources import _files

    root = Path(root).resolve()
    path = _files.find_file(root, [file] if file else TABLES)
    if path is None:
        name = file or TABLES[0]
        raise MissingDataError(f"There is no `{name}`.", looked_in=[root], remedy=SOURCE.obtain)
    table = _files.read_table(path)
    image_name = _column(table, "image", image_column)
    text_name = _column(table, "text", text_column)
    patient_name = _column(table, "patient", patient_column)
    if not image_name or not text_name:
        lacking = "image" if not image_name else "text"
        raise UsageError(
            f"`{path}` has no column for the {lacking}; it has {list(table.columns)}.",
            remedy=f"Name it with the option `{lacking}_column`.",
        )
    table = _with_paths(table, root, image_name)
    index = {name: name for name in table["image_path"] if (root / name).is_file()}
    ids = table["image_path"].tolist()
    present, absent = _files.present_rows(SOURCE, root, ids, index, allow_partial)
    table = table[present].reset_index(drop=True)
    mark, mark_path = _files.phantom_mark(root)
    return Manifest(
        dataset=SOURCE.name,
        release=path.name if patient_name else f"{path.name}, no patients: each image is one",
        root=root,
        images=_image_table(table, patient_name, namespace),
        labels=_no_labels(len(table)),
        reports=dict(zip(table["image_path"], table[text_name])),
        label_files=_files.relative(root, [path, mark_path]),
        phantom=mark,
        redistributable=SOURCE.redistributable,
        partial=len(absent),
        missing=absent[:10],
    )


def _column(table: pd.DataFrame, role: str, wanted: str) -> str:
    """Name of the column with a role, or empty."""
    names = [str(name) for name in table.columns]
    if wanted:
        if wanted not in names:
            raise unknown_name("column", wanted, names)
        return wanted
    return next((name for name in GUESSES[role] if name in names), "")


def _with_paths(table: pd.DataFrame, root: Path, column: str) -> pd.DataFrame:
    """A column `image_path`, relative to the root, `/` between parts, each path once."""
    paths = [
        Path(os.path.relpath(text, root)).as_posix()
        if Path(text).is_absolute()
        else Path(text.replace("\\", "/")).as_posix()
        for text in table[column]
    ]
    return table.assign(image_path=paths).drop_duplicates("image_path").reset_index(drop=True)


def _image_table(table: pd.DataFrame, patient_name: str, namespace: str) -> pd.DataFrame:
    import pandas as pd

    from benchmark.data.sources import _files

    table = _files.with_columns(table, "view", "split", "sex", "age")
    owner = table["image_path"]
    if patient_name:
        # A blank patient cannot be told apart from others, so it is its image.
        owner = table[patient_name].mask(table[patient_name] == "", owner)
    for name in set(table["split"].str.lower()) - set(SPLITS):
        raise unknown_name("split", name, [item for item in SPLITS if item])
    return pd.DataFrame(
        {
            "image": table["image_path"],
            "path": table["image_path"],
            "patient": namespace + ":" + owner,
            "study": table["image_path"],
            "view": table["view"].str.upper().map(VIEWS).fillna("unknown"),
            "split": table["split"].str.lower().map(SPLITS),
            "sex": table["sex"],
            "age": _files.numbers(table["age"]),
        }
    )


def _no_labels(count: int) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(index=range(count))
