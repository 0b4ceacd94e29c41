"""Reads CheXpert v1.0, small or full, with the labels of the test set where they are present."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.data.manifest import Manifest, SourceSpec
from benchmark.errors import BadDataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

SOURCE = SourceSpec(
    name="chexpert",
    title="CheXpert v1.0",
    licence="Stanford research use agreement: non-commercial, no sharing.",
    redistributable=False,
    obtain="Get CheXpert-v1.0 or CheXpert-v1.0-small from Stanford AIMI's shared data sets.",
    folders=(
        "CheXpert-v1.0-small",
        "CheXpert-v1.0",
        "chexpertchestxrays-u20210408",
        "CheXpert",
        "chexpert",
    ),
    namespace="chexpert",
    expected={
        "images": 223_648,
        "patients": 64_740,
        "train": 223_414,
        "test": 234,
        "maco_lists validation": 5_000,
        "maco_lists test": 234,
    },
)

CLASSES = (
    "No Finding",
    "Enlarged Cardiomediastinum",
    "Cardiomegaly",
    "Lung Opacity",
    "Lung Lesion",
    "Edema",
    "Consolidation",
    "Pneumonia",
    "Atelectasis",
    "Pneumothorax",
    "Pleural Effusion",
    "Pleural Other",
    "Fracture",
    "Support Devices",
)
COMPETITION = ("Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Pleural Effusion")
"""The five classes of the competition, in the order of the published MaCo and MRM lists."""

ID_FOLDER = "CheXpert-v1.0-small"
"""Begins every image id, whichever release is on the disk: the published lists write it so."""

SPLITS = {"train": "train", "valid": "test", "test": ""}
"""By the release's own name for a part: the papers test on the official validation set."""

TEST_TABLES = ("groundtruth.csv", "test_labels.csv")
LISTS = "CheXpert"
_PATH = re.compile(
    r"^(?:(?P<folder>.+)/)?(?P<part>train|valid|test)/"
    r"(?P<tail>patient(?P<person>\d+)/(?P<study>study\d+)/view\d+_(?P<view>frontal|lateral))\.\w+$"
)
_STUDY = re.compile(r"(patient\d+/study\d+)")
_VIEW_FILE = re.compile(r"view\d+_(?:frontal|lateral)")


def read(root: Path, *, allow_partial: bool = False, lists_root: Path | None = None) -> Manifest:
    """Train and validation images, and those of the test set where its labels are there, too.

    The official validation set is the part `test`. The test set that was released later has an
    empty `split`; the column `part` keeps the release's own names `train`, `valid`, `test`, and
    `projection` holds AP, PA or an empty text. Labels: 1, 0, -1 uncertain, NaN not mentioned.

    Args:
        root: Folder of `train.csv` and `valid.csv`, or the folder above it where the images come
            in batches. Images are found by patient, study and view wherever they lie below.
        allow_partial: Leave out listed images that are absent instead of failing.
        lists_root: Folder of published lists; otherwise looked for beside the data.

    Raises:
        MissingDataError: A table or an image is absent.
        BadDataError: A path or a label is not what the release says.
    """
    from benchmark.data import published_lists
    from benchmark.data.sources import _files

    root = Path(root).resolve()
    folder = _table_folder(root)
    index = index_views(root)
    table, used = _listed(folder)
    release = _release(table)
    table, test_path = _with_test(table, root, folder, index)
    tails = table["tail"].tolist()
    present, absent = _files.present_rows(SOURCE, root, tails, index, allow_partial)
    table = table[present].reset_index(drop=True)
    mark, mark_path = _files.phantom_mark(root)
    return Manifest(
        dataset=SOURCE.name,
        release=release if test_path is None else f"{release}, with the test set",
        root=root,
        images=_image_table(table, index),
        labels=table[list(CLASSES)].astype(float),
        lists=published_lists.find_lists(root, LISTS, COMPETITION, lists_root),
        label_files=_files.relative(root, [*used, test_path, mark_path]),
        phantom=mark,
        redistributable=SOURCE.redistributable,
        partial=len(absent),
        missing=absent[:10],
    )


def index_views(root: Path) -> dict[str, str]:
    """Path below `root` by `patient/study/view`, which is unique over all parts of the set."""
    from benchmark.data.sources._files import stem_of

    found: dict[str, str] = {}
    for where, folders, files in os.walk(root, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "splits_")))
        place = Path(where).relative_to(root).as_posix()
        study = "/".join(Path(where).parts[-2:])
        for name in sorted(files):
            stem = stem_of(name)
            if stem != name and _VIEW_FILE.fullmatch(stem):
                path = name if place == "." else f"{place}/{name}"
                found.setdefault(f"{study}/{stem}", path)
    return found


def _table_folder(root: Path) -> Path:
    """The folder of the tables: the given one, or the only one below it that has them."""
    if (root / "train.csv").is_file() or not root.is_dir():
        return root
    inside = sorted(path.parent for path in root.glob("*/train.csv"))
    return inside[0] if inside else root


def _listed(folder: Path) -> tuple[pd.DataFrame, list[Path]]:
    import pandas as pd

    from benchmark.data.sources import _files

    paths = [_files.need_file(SOURCE, folder, [name]) for name in ("train.csv", "valid.csv")]
    frames = []
    for path in paths:
        rows = _files.read_table(path)
        wanted = ["Path", "Sex", "Age", "Frontal/Lateral", "AP/PA", *CLASSES]
        _files.need_columns(path, rows, wanted)
        parts = rows["Path"].str.extract(_PATH)
        wrong = rows["Path"][parts["tail"].isna()]
        if len(wrong):
            raise BadDataError(f"`{path}`: `{wrong.iloc[0]}` is not the path of a CheXpert image.")
        frames.append(parts.join(rows[wanted[1:5]]).join(_labels(path, rows)))
    return pd.concat(frames, ignore_index=True), paths


def _labels(path: Path, rows: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    from benchmark.data.sources import _files

    values = pd.DataFrame({name: _files.numbers(rows[name]) for name in CLASSES})
    for name in CLASSES:
        known = values[name].isin((1.0, 0.0, -1.0)) | (rows[name] == "")
        if not known.all():
            cell = rows[name][~known].iloc[0]
            raise BadDataError(f"`{path}`: `{cell}` is no label of `{name}` (1, 0, -1 or empty).")
    return values


def _release(table: pd.DataFrame) -> str:
    folders = table["folder"].dropna()
    name = str(folders.iloc[0]).rsplit("/", 1)[-1] if len(folders) else "v1.0"
    return name.removeprefix("CheXpert-")


def _with_test(
    table: pd.DataFrame, root: Path, folder: Path, index: Mapping[str, str]
) -> tuple[pd.DataFrame, Path | None]:
    """The rows and those of the test set, whose labels are given by study (or by image)."""
    import pandas as pd

    from benchmark.data.sources import _files

    path = _test_table(root, folder)
    if path is None:
        return table, None
    rows = _files.read_table(path, {"Study": ["Path"]})
    _files.need_columns(path, rows, ["Study", *CLASSES])
    studies = rows["Study"].str.extract(_STUDY, expand=False)
    labelled = _labels(path, rows).assign(study=studies).dropna(subset="study")
    labelled = labelled.drop_duplicates("study")
    held: dict[str, list[str]] = {}
    for tail in sorted(index):
        held.setdefault(tail.rpartition("/")[0], []).append(tail)
    if not any(study in held for study in labelled["study"]):
        # The labels are public, the images are not: many hold the first alone.
        return table, None
    pairs = [
        (study, tail)
        for study in labelled["study"]
        for tail in held.get(study, [f"{study}/view1_frontal"])
    ]
    found = pd.DataFrame(pairs, columns=["study", "tail"]).merge(labelled, on="study")
    parts = ("test/" + found["tail"] + ".jpg").str.extract(_PATH).drop(columns="folder")
    return pd.concat([table, parts.join(found[list(CLASSES)])], ignore_index=True), path


def _test_table(root: Path, folder: Path) -> Path | None:
    from benchmark.data.sources import _files

    for place in (folder, root, root / "test"):
        path = _files.find_file(place, TEST_TABLES)
        if path is not None:
            return path
    return None


def _image_table(table: pd.DataFrame, index: Mapping[str, str]) -> pd.DataFrame:
    import pandas as pd

    from benchmark.data.sources import _files

    ages = _files.numbers(table["Age"])
    sex = table["Sex"].fillna("").str.upper().str[:1]
    return pd.DataFrame(
        {
            "image": ID_FOLDER + "/" + table["part"] + "/" + table["tail"],
            "path": [index[tail] for tail in table["tail"]],
            "patient": [f"{SOURCE.namespace}:{int(number)}" for number in table["person"]],
            "study": table["tail"].str.rpartition("/")[0],
            "view": table["Frontal/Lateral"].str.lower().fillna(table["view"]),
            "split": table["part"].map(SPLITS),
            "sex": sex.where(sex.isin(("M", "F")), ""),
            # Three rows say 0, which stands for unknown.
            "age": pd.Series(ages).where(ages > 0),
            "part": table["part"],
            "projection": table["AP/PA"].fillna(""),
        }
    )
