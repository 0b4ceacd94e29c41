"""Reads MIMIC-CXR-JPG 2.0.0 / 2.1.0 with the reports of MIMIC-CXR 2.0.0."""

from __future__ import annotations

import zipfile
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.data.manifest import Manifest, SourceSpec
from benchmark.errors import BadDataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

SOURCE = SourceSpec(
    name="mimic_cxr",
    title="MIMIC-CXR-JPG",
    licence="PhysioNet credentialed access with a signed data use agreement; no sharing.",
    redistributable=False,
    obtain="Get `mimic-cxr-jpg` and the reports of `mimic-cxr` from PhysioNet.",
    folders=("mimic-cxr-jpg/2.1.0", "mimic-cxr-jpg/2.0.0", "mimic-cxr-jpg"),
    namespace="mimic",
    expected={
        "images": 377_110,
        "studies": 227_835,
        "patients": 65_379,
        "train": 368_960,
        "validation": 2_991,
        "test": 5_159,
    },
)

CLASSES = (
    "Atelectasis",
    "Cardiomegaly",
    "Consolidation",
    "Edema",
    "Enlarged Cardiomediastinum",
    "Fracture",
    "Lung Lesion",
    "Lung Opacity",
    "No Finding",
    "Pleural Effusion",
    "Pleural Other",
    "Pneumonia",
    "Pneumothorax",
    "Support Devices",
)
VIEWS = {"AP": "frontal", "PA": "frontal", "LATERAL": "lateral", "LL": "lateral"}
SPLITS = {"train": "train", "validate": "validation", "val": "validation", "test": "test"}
REPORT_FOLDERS = (
    "mimic-cxr/2.0.0/mimic-cxr-reports/files",
    "mimic-cxr/2.1.0/mimic-cxr-reports/files",
    "mimic-cxr-reports/files",
    "mimic-cxr-reports",
    "mimic-cxr/2.0.0/files",
    "files",
)
REPORT_ARCHIVES = ("mimic-cxr-reports.zip", "mimic-cxr/2.0.0/mimic-cxr-reports.zip")
_PROBED_STUDIES = 200


def release_root(root: Path) -> Path:
    """The folder that holds the tables: the given one or a release's folder in it."""
    from benchmark.data.sources._files import TABLE_ENDINGS, find_file

    for folder in (root, root / "2.1.0", root / "2.0.0"):
        if find_file(folder, ["mimic-cxr-2.0.0-metadata.csv"], TABLE_ENDINGS):
            return folder
    return root


def read(root: Path, *, allow_partial: bool = False, lists_root: Path | None = None) -> Manifest:
    """The manifest; reports stay on the disk until they are asked for.

    CheXpert labels are joined by study where their file is present: NaN not mentioned, -1
    uncertain. Frontal is AP or PA, lateral is LATERAL or LL, anything else is unknown.

    Args:
        root: The JPG release's folder, or the folder above it.
        allow_partial: Leave out listed images that are absent instead of failing.
        lists_root: Not used; MaCo publishes no list for this data set.

    Raises:
        MissingDataError: A table or an image is absent.
        BadDataError: A table is not what the release says.
    """
    from benchmark.data.sources import _files

    root = release_root(Path(root).resolve())
    table, used = _listed_images(root)
    index = _files.index_images(root, "files")
    ids = table["dicom_id"].tolist()
    present, absent = _files.present_rows(SOURCE, root, ids, index, allow_partial)
    table = table[present].reset_index(drop=True)
    labels, label_file = _chexpert(root, table["study_id"])
    reports = _reports(root, table)
    mark, mark_path = _files.phantom_mark(root)
    release = (
        "2.1.0" if _files.find_file(root, ["mimic-cxr-2.1.0-test-set-labeled.csv"]) else "2.0.0"
    )
    return Manifest(
        dataset=SOURCE.name,
        release=release if reports else f"{release}, no reports found",
        root=root,
        images=_image_table(table, index),
        labels=labels,
        reports=reports,
        label_files=_files.relative(root, [*used, label_file, mark_path]),
        phantom=mark,
        redistributable=SOURCE.redistributable,
        partial=len(absent),
        missing=absent[:10],
    )


def _listed_images(root: Path) -> tuple[pd.DataFrame, list[Path]]:
    from benchmark.data.sources import _files

    paths = [
        _files.need_file(SOURCE, root, [f"mimic-cxr-2.0.0-{part}.csv"])
        for part in ("metadata", "split")
    ]
    metadata, split = (_files.read_table(path) for path in paths)
    _files.need_columns(paths[0], metadata, ["dicom_id", "subject_id", "study_id", "ViewPosition"])
    _files.need_columns(paths[1], split, ["dicom_id", "split"])
    if not split["dicom_id"].is_unique:
        raise BadDataError(f"`{paths[1]}` lists an image twice.")
    by_image = split.set_index("dicom_id")["split"].str.lower()
    named = metadata["dicom_id"].map(by_image).fillna("")
    unknown = sorted(set(named) - set(SPLITS) - {""})
    if unknown:
        raise BadDataError(f"`{paths[1]}` has the unknown splits {unknown}.")
    return metadata.assign(split=named.map({**SPLITS, "": ""})), paths


def _image_table(table: pd.DataFrame, index: Mapping[str, str]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {
            "image": table["dicom_id"],
            "path": table["dicom_id"].map(dict(index)),
            "patient": SOURCE.namespace + ":" + table["subject_id"],
            "study": table["study_id"],
            "view": table["ViewPosition"].str.upper().map(VIEWS).fillna("unknown"),
            "split": table["split"],
            "sex": "",
            "age": float("nan"),
        }
    )


def _chexpert(root: Path, studies: pd.Series[str]) -> tuple[pd.DataFrame, Path | None]:
    """CheXpert labels of each image's study; no columns where the file is absent."""
    import pandas as pd

    from benchmark.data.sources import _files

    path = _files.find_file(root, ["mimic-cxr-2.0.0-chexpert.csv"], _files.TABLE_ENDINGS)
    if path is None:
        return pd.DataFrame(index=range(len(studies))), None
    table = _files.read_table(path)
    _files.need_columns(path, table, ["study_id", *CLASSES])
    table = table.drop_duplicates("study_id").set_index("study_id")
    values = {name: _files.numbers(table[name].reindex(studies).fillna("")) for name in CLASSES}
    return pd.DataFrame(values), path


def _reports(root: Path, table: pd.DataFrame) -> Mapping[str, str]:
    """The reports, wherever people unpack them; empty where there are none."""
    from benchmark.data.sources._reports import LazyReports

    studies = table.drop_duplicates("study_id")
    names = {
        study: f"p{subject[:2]}/p{subject}/s{study}.txt"
        for subject, study in zip(studies["subject_id"], studies["study_id"])
    }
    places = (root, root.parent, root.parent.parent)
    for place in places:
        for folder in REPORT_FOLDERS:
            if _any_exists(place / folder, islice(names.values(), _PROBED_STUDIES)):
                return LazyReports(place / folder, names)
    for place in places:
        for name in REPORT_ARCHIVES:
            if (place / name).is_file():
                return LazyReports(place / name, _names_in_zip(place / name, names))
    return {}


def _any_exists(folder: Path, names: Iterable[str]) -> bool:
    return folder.is_dir() and any((folder / name).is_file() for name in names)


def _names_in_zip(path: Path, names: Mapping[str, str]) -> dict[str, str]:
    """The zip's own paths, whatever folder it begins with."""
    try:
        with zipfile.ZipFile(path) as archive:
            inside: Sequence[str] = archive.namelist()
    except zipfile.BadZipFile as error:
        raise BadDataError(f"`{path}` is not a zip file: {error}") from error
    by_tail = {"/".join(name.split("/")[-3:]): name for name in inside if name.endswith(".txt")}
    return {study: by_tail.get(name, name) for study, name in names.items()}
