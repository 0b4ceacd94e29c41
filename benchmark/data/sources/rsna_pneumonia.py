"""Reads the RSNA Pneumonia Detection Challenge, stage 2."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.data.manifest import Manifest, SourceSpec
from benchmark.errors import BadDataError, MissingDataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

SOURCE = SourceSpec(
    name="rsna_pneumonia",
    title="RSNA Pneumonia Detection Challenge (stage 2)",
    licence="RSNA: research, education and other purposes, with attribution.",
    redistributable=True,
    obtain="Get `rsna-pneumonia-detection-challenge` (stage 2) from Kaggle or RSNA.",
    folders=("rsna-pneumonia-detection-challenge", "rsna-pneumonia", "rsna_pneumonia"),
    namespace="rsna",
    also_namespaces=("nih",),
    # The detection lists hold positive images only.
    expected={
        "images": 29_684,
        "train": 26_684,
        "test": 3_000,
        "boxes": 9_555,
        "maco_lists train": 25_184,
        "maco_lists validation": 1_500,
        "maco_lists test": 3_000,
        "maco_detection train": 3_584,
        "maco_detection validation": 1_210,
        "maco_detection test": 1_218,
    },
)

CLASSES = ("Lung Opacity",)
FRAME = 1024
"""Side in pixels of every official image; the boxes are given in it."""

CERTAIN_MATCH_MSE = 10.0
"""Below it the NIH match is certain, as its authors (torchxrayvision) say."""

LISTS = "RSNA_Pneumonia"
COCO = "rsna_"
"""Beginning of the names of the published detection lists."""


def read(root: Path, *, allow_partial: bool = False, lists_root: Path | None = None) -> Manifest:
    """Train and test images; the test images have no labels but those of a published list.

    In RSNA a patient is an image. Where `rsna_to_nih_map.csv` lies beside the data, images that
    come from one NIH person share the patient `nih:<id>`.

    Args:
        root: Folder of the challenge's files; DICOM, or PNG or JPEG under the same stems.
        allow_partial: Leave out listed images that are absent instead of failing.
        lists_root: Folder of published lists; otherwise looked for beside the data.

    Raises:
        MissingDataError: Tables or images are absent.
        BadDataError: Stage 1 files, or tables that are not the challenge's.
    """
    from benchmark.data import coco_lists, published_lists
    from benchmark.data.sources import _files

    root = Path(root).resolve()
    _refuse_stage_1(root)
    label_path = _files.need_file(SOURCE, root, ["stage_2_train_labels.csv"])
    rows = _files.read_table(label_path)
    _files.need_columns(label_path, rows, ["patientId", "x", "y", "width", "height", "Target"])
    index = _files.index_images(root, skip=("stage_1", "splits_"))
    test_ids, test_path = _test_ids(root, index)
    train_ids = rows["patientId"].drop_duplicates().tolist()
    ids = train_ids + [name for name in test_ids if name not in set(train_ids)]
    present, absent = _files.present_rows(SOURCE, root, ids, index, allow_partial)
    kept = [name for name, here in zip(ids, present) if here]
    detail, detail_path = _details(root)
    facts, facts_path = _facts(root)
    people, map_path = _nih_people(root)
    images = _image_table(kept, index, set(train_ids), people, facts, detail)
    mark, mark_path = _files.phantom_mark(root)
    paths = [label_path, detail_path, test_path, facts_path, map_path, mark_path]
    return Manifest(
        dataset=SOURCE.name,
        release="stage 2" if people is None else "stage 2, grouped by NIH person",
        root=root,
        images=images,
        labels=_labels(images, rows),
        boxes=_boxes(images, rows, root),
        lists={
            **published_lists.find_lists(root, LISTS, CLASSES, lists_root),
            **coco_lists.find_coco_lists(root, COCO, CLASSES[0], lists_root),
        },
        label_files=_files.relative(root, paths),
        phantom=mark,
        redistributable=SOURCE.redistributable,
        partial=len(absent),
        missing=absent[:10],
    )


def _refuse_stage_1(root: Path) -> None:
    names = [path.name for path in root.iterdir()] if root.is_dir() else []
    stage_1 = sorted(name for name in names if name.startswith("stage_1"))
    if stage_1 and not any(name.startswith("stage_2") for name in names):
        raise BadDataError(
            f"RSNA: `{stage_1[0]}` belongs to stage 1, whose split and labels differ.",
            looked_in=[root],
            remedy=f"Use the stage 2 files. {SOURCE.obtain}",
        )


def _test_ids(root: Path, index: Mapping[str, str]) -> tuple[list[str], Path | None]:
    """Ids that the sample submission lists, and those that lie in the test folder."""
    from benchmark.data.sources import _files

    path = _files.find_file(root, ["stage_2_sample_submission.csv"], _files.TABLE_ENDINGS)
    listed = [] if path is None else _files.read_table(path)["patientId"].tolist()
    found = sorted(stem for stem, place in index.items() if "test" in place.rpartition("/")[0])
    if not found:
        # People who hold no test images at all keep the sample submission nevertheless.
        return [], None
    return list(dict.fromkeys(listed + found)), path


def _details(root: Path) -> tuple[dict[str, str], Path | None]:
    from benchmark.data.sources import _files

    path = _files.find_file(root, ["stage_2_detailed_class_info.csv"], _files.TABLE_ENDINGS)
    if path is None:
        return {}, None
    table = _files.read_table(path)
    _files.need_columns(path, table, ["patientId", "class"])
    return dict(zip(table["patientId"], table["class"])), path


def _facts(root: Path) -> tuple[pd.DataFrame | None, Path | None]:
    """Sex and age from an optional `images.csv`; reading 30,000 headers would be slow."""
    from benchmark.data.sources import _files

    path = _files.find_file(root, ["images.csv"])
    if path is None:
        return None, None
    table = _files.read_table(path)
    _files.need_columns(path, table, ["patientId"])
    table = _files.with_columns(table, "sex", "age")
    return table.drop_duplicates("patientId").set_index("patientId"), path


def _nih_people(root: Path) -> tuple[dict[str, str] | None, Path | None]:
    """NIH person by RSNA id, for the certain matches."""
    from benchmark.data.sources import _files

    path = _files.find_file(root, ["rsna_to_nih_map.csv"])
    if path is None:
        return None, None
    table = _files.read_table(path)
    _files.need_columns(path, table, ["patientId", "nih_image", "mse"])
    certain = table[_files.numbers(table["mse"]) < CERTAIN_MATCH_MSE]
    people = (f"nih:{int(name.split('_')[0])}" for name in certain["nih_image"])
    return dict(zip(certain["patientId"], people)), path


def _image_table(
    ids: Sequence[str],
    index: Mapping[str, str],
    train: set[str],
    people: Mapping[str, str] | None,
    facts: pd.DataFrame | None,
    detail: Mapping[str, str],
) -> pd.DataFrame:
    import pandas as pd

    from benchmark.data.sources import _files

    table = pd.DataFrame({"image": list(ids)})
    names = table["image"]
    sex = names.map(facts["sex"]).fillna("") if facts is not None else ""
    age = names.map(facts["age"]).fillna("") if facts is not None else None
    return table.assign(
        path=[index[name] for name in ids],
        patient=[(people or {}).get(name, f"{SOURCE.namespace}:{name}") for name in ids],
        study=list(ids),
        view="frontal",
        split=["train" if name in train else "test" for name in ids],
        sex=sex,
        age=float("nan") if age is None else _files.numbers(age),
        detail=[detail.get(name, "") for name in ids],
    )


def _labels(images: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    from benchmark.data.sources import _files

    target = pd.Series(_files.numbers(rows["Target"]), index=rows["patientId"])
    if not set(target.dropna()) <= {0.0, 1.0} or target.isna().any():
        raise BadDataError("RSNA: `Target` in stage_2_train_labels.csv must be 0 or 1.")
    by_image = target.groupby(level=0).max()
    return pd.DataFrame({CLASSES[0]: images["image"].map(by_image).astype(float)})


def _boxes(images: pd.DataFrame, rows: pd.DataFrame, root: Path) -> pd.DataFrame:
    import pandas as pd

    from benchmark.data.manifest import BOX_COLUMNS
    from benchmark.data.sources import _files

    values = {name: _files.numbers(rows[name]) for name in ("x", "y", "width", "height")}
    kept = (values["width"] > 0) & (values["height"] > 0)
    kept &= rows["patientId"].isin(set(images["image"])).to_numpy()
    x, y, w, h = (values[name][kept] for name in ("x", "y", "width", "height"))
    side = _frame(images, root, float((x + w).max(initial=0)), float((y + h).max(initial=0)))
    table = pd.DataFrame({"image": rows["patientId"][kept], "x": x, "y": y, "w": w, "h": h})
    table = table.assign(label=CLASSES[0], phrase="", width=side[1], height=side[0], split="train")
    return table[list(BOX_COLUMNS)].reset_index(drop=True)


def _frame(images: pd.DataFrame, root: Path, right: float, bottom: float) -> tuple[int, int]:
    """Height and width of the frame of the boxes: the first image's, where all fit into it.

    Official images are 1024 x 1024. Sets that were shrunk keep the boxes of the official frame.
    """
    from benchmark.data.images import image_size

    if not len(images):
        raise MissingDataError("RSNA: no image is there.", looked_in=[root], remedy=SOURCE.obtain)
    height, width = image_size(root / images["path"].iloc[0])
    return (height, width) if right <= width and bottom <= height else (FRAME, FRAME)
