"""Reads NIH ChestX-ray14 in any of the folder trees that it is passed on in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.data.manifest import Manifest, SourceSpec
from benchmark.errors import BadDataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

SOURCE = SourceSpec(
    name="nih_cxr14",
    title="NIH ChestX-ray14",
    licence="NIH Clinical Center: free use; a link to its download site and a citation are asked.",
    redistributable=True,
    obtain="Get ChestX-ray14 from the NIH Clinical Center's Box folder or from Kaggle.",
    folders=("nih-cxr14", "nih_cxr14", "CXR8", "ChestX-ray14", "NIH_ChestX-ray"),
    namespace="nih",
    expected={
        "images": 112_120,
        "patients": 30_805,
        "boxes": 984,
        "train": 86_524,
        "test": 25_596,
        "maco_lists train": 78_468,
        "maco_lists validation": 11_219,
        "maco_lists test": 22_433,
    },
)

CLASSES = (
    "Atelectasis",
    "Cardiomegaly",
    "Effusion",
    "Infiltration",
    "Mass",
    "Nodule",
    "Pneumonia",
    "Pneumothorax",
    "Consolidation",
    "Edema",
    "Emphysema",
    "Fibrosis",
    "Pleural_Thickening",
    "Hernia",
)
"""In the order of the published MaCo and MRM lists."""

TABLES = ("Data_Entry_2017_v2020.csv", "Data_Entry_2017.csv")
ALIASES = {"Patient Gender": ["Patient Sex"], "Image Index": ["Image_Index"]}
BOX_ALIASES = {"x": ["Bbox [x"], "w": ["w"], "h": ["h]"]}
BOX_LABELS = {"Infiltrate": "Infiltration"}
FRAME = 1024
"""Side in pixels of every official PNG; the boxes are given in it."""

LISTS = "NIH_ChestX-ray"


def read(root: Path, *, allow_partial: bool = False, lists_root: Path | None = None) -> Manifest:
    """Images indexed by file name wherever they lie; 14 labels, all known.

    The official split fills `split` where `train_val_list.txt` and `test_list.txt` are present
    (train_val is `train`). Boxes are in the 1024 x 1024 frame whatever the stored size.

    Args:
        root: Folder that holds the tables, with the images somewhere below it.
        allow_partial: Leave out listed images that are absent instead of failing.
        lists_root: Folder of published lists; otherwise looked for beside the data.

    Raises:
        MissingDataError: The table or an image is absent.
        BadDataError: A table is not what the release says.
    """
    from benchmark.data import published_lists
    from benchmark.data.sources import _files

    root = Path(root).resolve()
    path = _files.need_file(SOURCE, root, TABLES)
    table = _files.read_table(path, ALIASES)
    wanted = ["Image Index", "Finding Labels", "Patient ID", "Patient Age", "Patient Gender"]
    _files.need_columns(path, table, wanted)
    index = _files.index_images(root, skip=("splits_",))
    ids = [_files.stem_of(name) for name in table["Image Index"]]
    present, absent = _files.present_rows(SOURCE, root, ids, index, allow_partial)
    table = table.assign(image=ids)[present].reset_index(drop=True)
    splits, split_paths = _official_split(root)
    boxes, box_path = _boxes(root, set(table["image"]))
    mark, mark_path = _files.phantom_mark(root)
    return Manifest(
        dataset=SOURCE.name,
        release=path.name.split(".csv")[0].removeprefix("Data_Entry_"),
        root=root,
        images=_image_table(table, index, splits),
        labels=_labels(path, table["Finding Labels"]),
        boxes=boxes,
        lists=published_lists.find_lists(root, LISTS, CLASSES, lists_root),
        label_files=_files.relative(root, [path, box_path, *split_paths, mark_path]),
        phantom=mark,
        redistributable=SOURCE.redistributable,
        partial=len(absent),
        missing=absent[:10],
    )


def _official_split(root: Path) -> tuple[dict[str, str], list[Path]]:
    from benchmark.data.sources import _files

    splits: dict[str, str] = {}
    paths = []
    for name, split in (("train_val_list.txt", "train"), ("test_list.txt", "test")):
        path = _files.find_file(root, [name], ("",))
        if path is not None:
            paths.append(path)
            lines = path.read_text(encoding="utf-8-sig").split()
            splits.update((_files.stem_of(line), split) for line in lines)
    return splits, paths


def _image_table(
    table: pd.DataFrame, index: Mapping[str, str], splits: Mapping[str, str]
) -> pd.DataFrame:
    import pandas as pd

    from benchmark.data.sources import _files

    people = _files.numbers(table["Patient ID"])
    ages = table["Patient Age"].str.extract(r"^0*(\d+)", expand=False).fillna("")
    days_or_months = table["Patient Age"].str.fullmatch(r"\d+[DMW]")
    return pd.DataFrame(
        {
            "image": table["image"],
            "path": [index[name] for name in table["image"]],
            "patient": [f"{SOURCE.namespace}:{int(person)}" for person in people],
            "study": table["image"],
            "view": "frontal",
            "split": [splits.get(name, "") for name in table["image"]],
            "sex": table["Patient Gender"].str.upper().str[:1],
            "age": _files.numbers(ages.mask(days_or_months, "0")),
        }
    )


def _labels(path: Path, findings: pd.Series[str]) -> pd.DataFrame:
    import pandas as pd

    sets = [{part.strip() for part in text.split("|")} for text in findings]
    unknown = set().union(*sets) - set(CLASSES) - {"No Finding"} if sets else set()
    if unknown:
        raise BadDataError(f"`{path}` has the unknown findings {sorted(unknown)}.")
    return pd.DataFrame(
        {name: [float(name in present) for present in sets] for name in CLASSES},
    )


def _boxes(root: Path, kept: set[str]) -> tuple[pd.DataFrame, Path | None]:
    import pandas as pd

    from benchmark.data.manifest import BOX_COLUMNS
    from benchmark.data.sources import _files

    path = _files.find_file(root, ["BBox_List_2017.csv"], _files.TABLE_ENDINGS)
    if path is None:
        return pd.DataFrame(columns=list(BOX_COLUMNS)), None
    table = _files.read_table(path, BOX_ALIASES)
    _files.need_columns(path, table, ["Image Index", "Finding Label", "x", "y", "w", "h"])
    boxes = pd.DataFrame(
        {
            "image": [_files.stem_of(name) for name in table["Image Index"]],
            "label": table["Finding Label"].replace(BOX_LABELS),
            "phrase": "",
            **{name: _files.numbers(table[name]) for name in ("x", "y", "w", "h")},
            "width": FRAME,
            "height": FRAME,
            "split": "",
        }
    )
    if boxes[["x", "y", "w", "h"]].isna().any(axis=None):
        raise BadDataError(f"`{path}` has a box without numbers.")
    return boxes[boxes["image"].isin(kept)].reset_index(drop=True), path
