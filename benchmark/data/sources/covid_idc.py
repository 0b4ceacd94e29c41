"""Reads the COVID-19 image data collection (ieee8023) for the two tasks that MRM tests on it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.data.manifest import Manifest, SourceSpec
from benchmark.errors import BadDataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

SOURCE = SourceSpec(
    name="covid_idc",
    title="COVID-19 image data collection",
    licence="Metadata CC BY-NC-SA 4.0; each image has its own, in the column `license`.",
    redistributable=False,
    obtain="Clone `ieee8023/covid-chestxray-dataset` from GitHub.",
    folders=("covid-chestxray-dataset", "covid_idc", "COVID-19_Image_Data_Collection"),
    namespace="idc",
    # Rows of the last release whose view is frontal; that of June 2020 has 570.
    expected={
        "images": 782,
        "mrm_covid1 train": 354,
        "mrm_covid1 validation": 51,
        "mrm_covid1 test": 104,
        "mrm_viral1 train": 296,
        "mrm_viral1 validation": 45,
        "mrm_viral1 test": 84,
    },
)

CLASSES = ("COVID-19", "Viral")
"""COVID-19 (1) against any other pneumonia (0); viral (1) against bacterial (0) pneumonia."""

FRONTAL = ("pa", "ap", "ap supine", "ap erect", "aps")
TASK_VIEWS = ("PA", "AP")
"""The views of MRM's lists: they hold no supine image."""

_VIRAL = {"viral", "covid-19", "sars", "mers", "mers-cov", "influenza", "h1n1", "varicella"}
_VIRAL |= {"herpes"}
_BACTERIAL = {"bacterial", "mycoplasma bacterial pneumonia", "mycoplasma", "streptococcus"}
_BACTERIAL |= {"klebsiella", "legionella", "e.coli", "chlamydophila", "nocardia"}
_BACTERIAL |= {"staphylococcus", "mrsa"}
_OTHER = {"pneumonia", "ards", "pneumocystis", "fungal", "aspergillosis", "lipoid", "aspiration"}
"""Pneumonia of no known cause or of another one; ARDS counts among the negatives of COVID-19."""

_ALIASES = {"patientid": ["Patientid", "PatientID"]}

LISTS = "COVID-19_Image_Data_Collection"
_LIST_FILE = re.compile(r"is(covid|viral)_(train|val|test)\.txt")
_SPLITS = {"train": "train", "val": "validation", "test": "test"}


def read(
    root: Path,
    *,
    allow_partial: bool = False,
    lists_root: Path | None = None,
    views: Sequence[str] = TASK_VIEWS,
) -> Manifest:
    """Frontal radiographs, with the labels of both tasks where an image takes part in them.

    An image is named by its file name with the ending, for `000001.jpg` and `000001.png` are two
    radiographs. Computed tomography and lateral views are left out. An image has labels when its
    view is one of `views` and its finding a pneumonia; the second label only where the finding
    says viral or bacterial, and not both. Findings are understood in the flat form
    (`COVID-19, ARDS`) and in the later one (`Pneumonia/Viral/COVID-19`). `todo`, `Unknown`,
    `No Finding` and tuberculosis take part in neither task. `images` has two more columns,
    `finding` and `projection`, as in the table.

    MRM's five random splits of each task are `lists` `mrm_covid1` to `mrm_viral5`; they are by
    image, not by patient.

    Args:
        root: Folder of `metadata.csv`, of any age, with the images somewhere below it.
        allow_partial: Leave out listed images that are absent instead of failing.
        lists_root: Folder of MRM's splits; otherwise looked for beside the data.
        views: Projections that take part in the tasks; `AP Supine` is the third that occurs.

    Raises:
        MissingDataError: The table or an image is absent.
        BadDataError: The table lacks a column, or a list has a malformed line.
    """
    from benchmark.data.sources import _files

    root = Path(root).resolve()
    path = _files.need_file(SOURCE, root, ["metadata.csv"])
    rows = frontal_rows(path)
    paths = _place_images(root, rows)
    present, absent = _files.present_rows(
        SOURCE, root, rows["filename"].tolist(), paths, allow_partial
    )
    rows = rows[present].reset_index(drop=True)
    mark, mark_path = _files.phantom_mark(root)
    return Manifest(
        dataset=SOURCE.name,
        release=_release(rows),
        root=root,
        images=_image_table(rows, paths),
        labels=_labels(rows, views),
        lists=mrm_lists(root, lists_root),
        label_files=_files.relative(root, [path, mark_path]),
        phantom=mark,
        redistributable=SOURCE.redistributable,
        partial=len(absent),
        missing=absent[:10],
    )


def frontal_rows(path: Path) -> pd.DataFrame:
    """Rows of frontal radiographs, one a file; of a file listed twice the first coded row."""
    from benchmark.data.sources import _files

    table = _files.read_table(path, _ALIASES)
    _files.need_columns(path, table, ["patientid", "finding", "view", "filename"])
    table = _files.with_columns(table, "modality", "folder", "sex", "age")
    xray = table["modality"].str.casefold().isin(["x-ray", ""])
    table = table[xray & table["view"].str.casefold().isin(FRONTAL) & table["filename"].ne("")]
    uncoded = table["finding"].str.casefold().isin(["", "todo"])
    order = uncoded.sort_values(kind="stable").index
    return table.loc[order].drop_duplicates("filename").sort_index().reset_index(drop=True)


def _release(rows: pd.DataFrame) -> str:
    form = "hierarchical" if rows["finding"].str.contains("/").any() else "flat"
    dated = "RT_PCR_positive" in rows.columns
    return f"{form} findings" + (", with RT-PCR" if dated else "")


def _place_images(root: Path, rows: pd.DataFrame) -> dict[str, str]:
    """Path below `root` by file name: in the row's folder, else wherever such a file lies.

    Names are compared without regard to case where no file has the exact one.
    """
    from benchmark.data.sources._names import paths_by_name

    found = paths_by_name(root)
    folded = {name.casefold(): paths for name, paths in found.items()}
    placed = {}
    for folder, name in zip(rows["folder"], rows["filename"]):
        paths = found.get(name) or folded.get(name.casefold(), [])
        own = [path for path in paths if path == f"{folder}/{name}"]
        if paths:
            placed[name] = (own or paths)[0]
    return placed


def _image_table(rows: pd.DataFrame, paths: Mapping[str, str]) -> pd.DataFrame:
    import pandas as pd

    from benchmark.data.sources import _files

    people = rows["patientid"].where(rows["patientid"].ne(""), "image " + rows["filename"])
    return pd.DataFrame(
        {
            "image": rows["filename"],
            "path": [paths[name] for name in rows["filename"]],
            "patient": f"{SOURCE.namespace}:" + people,
            "study": rows["filename"],
            "view": "frontal",
            "split": "",
            "sex": rows["sex"].str.upper().str[:1],
            "age": _files.numbers(rows["age"]),
            "finding": rows["finding"],
            "projection": rows["view"],
        }
    )


def _labels(rows: pd.DataFrame, views: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    wanted = {view.casefold() for view in views}
    values = [
        task_labels(finding) if view.casefold() in wanted else (float("nan"),) * len(CLASSES)
        for finding, view in zip(rows["finding"], rows["view"])
    ]
    return pd.DataFrame(values, columns=list(CLASSES), index=rows.index, dtype=float)


def task_labels(finding: str) -> tuple[float, float]:
    """Labels of both tasks for a finding as the table writes it, NaN where it takes no part."""
    parts = {part.strip().casefold() for part in re.split(r"[/,]", finding)}
    viral, bacterial = bool(parts & _VIRAL), bool(parts & _BACTERIAL)
    if not (viral or bacterial or parts & _OTHER):
        return float("nan"), float("nan")
    cause = float(viral) if viral != bacterial else float("nan")
    return float("covid-19" in parts), cause


def mrm_lists(root: Path, lists_root: Path | None) -> dict[str, pd.DataFrame]:
    """MRM's splits by name, from `covid1` ... `viral5` of the first folder that has any."""
    folders = ("splits_maco", "DatasetsSplits")
    bases = [base / name for base in (root, *list(root.parents)[:2]) for name in folders]
    if lists_root is not None:
        given = Path(lists_root)
        bases = [given, *(given / name for name in folders), given.parent, *bases]
    for base in bases:
        files = sorted((base / LISTS).glob("*[0-9]/is*.txt"))
        named = [path for path in files if _LIST_FILE.fullmatch(path.name)]
        if named:
            tasks = dict.fromkeys(path.parent.name for path in named)
            return {
                f"mrm_{task}": _mrm_list([path for path in named if path.parent.name == task])
                for task in tasks
            }
    return {}


def _mrm_list(paths: Sequence[Path]) -> pd.DataFrame:
    import pandas as pd

    frames = []
    for path in paths:
        match = _LIST_FILE.fullmatch(path.name)
        if match:
            column = CLASSES[0] if match[1] == "covid" else CLASSES[1]
            lines = path.read_text(encoding="utf-8-sig").splitlines()
            names, values = zip(*_parsed(path, lines)) if any(map(str.strip, lines)) else ((), ())
            frame = pd.DataFrame({"image": list(names), "split": _SPLITS[match[2]]})
            frames.append(frame.assign(**{column: list(values)}))
    table = pd.concat(frames, ignore_index=True).drop_duplicates(["image", "split"])
    in_train = table["split"].eq("train")
    return table.assign(subset=100, in_1=False, in_10=False, in_100=in_train).reset_index(drop=True)


def _parsed(path: Path, lines: Iterable[str]) -> list[tuple[str, float]]:
    """Names and labels. One line of the released `viral1` says `11`: a digit typed twice."""
    parsed = []
    for number, line in enumerate(lines, 1):
        name, _, label = line.strip().rpartition(" ")
        if line.strip() and (not name or len(set(label)) != 1 or label[0] not in "01"):
            raise BadDataError(f"`{path}`, line {number}: expected a file name and 0 or 1.")
        if name:
            parsed.append((name.rsplit("/", 1)[-1].strip(), float(label[0])))
    return parsed
