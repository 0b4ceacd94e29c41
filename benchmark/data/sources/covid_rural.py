"""Reads COVID Rural: radiographs of COVID-19 patients in Arkansas with masks of the opacities."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmark.data.manifest import Manifest, SourceSpec
from benchmark.errors import BadDataError, MissingDataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

SOURCE = SourceSpec(
    name="covid_rural",
    title="COVID Rural",
    licence="Images CC BY 4.0 (TCIA, COVID-19-AR); the repository of the masks states none.",
    redistributable=False,
    obtain="Clone `haimingt/opacity_segmentation_covid_chest_X_ray` from GitHub.",
    folders=(
        "opacity_segmentation_covid_chest_X_ray-master",
        "opacity_segmentation_covid_chest_X_ray",
        "covid_rural",
        "covid-rural",
    ),
    namespace="covid_rural",
    # Those with a mask, of 224.
    expected={"images": 221, "patients": 104},
)

CLASSES = ("Opacity",)

ANNOTATIONS = "covid_rural_annot"
IMAGES, MASKS = "jpgs", "pngs_masks"
PATIENTS = "covid_rural_patient_info.csv"
_UNKNOWN = ("", "NULL")

SHOWN_IDS = 3
log = logging.getLogger(__name__)


def read(
    root: Path,
    *,
    allow_partial: bool = False,
    lists_root: Path | None = None,
    cache_dir: Path | None = None,
) -> Manifest:
    """The radiographs that have a mask file, with the mask and the label `Opacity`.

    `Opacity` is 1 where the mask holds a pixel and 0 where it is empty. A radiograph without a
    mask file (the release has three) is left out with a warning, as LoVT does. Of the repository
    only the folders `jpgs` and `pngs_masks` are read; the 22 images of the sister folder belong
    to `covid_idc`.

    Args:
        root: Folder of the repository, or its `covid_rural_annot`.
        allow_partial: Leave out masks whose radiograph is absent instead of failing.
        lists_root: Not used; nobody publishes a list for this data set.
        cache_dir: Keeps which masks are empty; without it all are read each time.

    Raises:
        MissingDataError: There are no masks, or the radiograph of one is absent.
        BadDataError: A mask cannot be read, or is not of its radiograph's shape.
    """
    from benchmark.data.sources import _files
    from benchmark.data.sources._mask_files import MaskFiles, nonempty

    root = Path(root).resolve()
    folder = f"{ANNOTATIONS}/" if (root / ANNOTATIONS).is_dir() else ""
    index = _files.index_images(root, f"{folder}{IMAGES}")
    mask_index = _files.index_images(root, f"{folder}{MASKS}")
    if not mask_index:
        raise MissingDataError(
            f"{SOURCE.title}: there are no masks.",
            looked_in=[root / folder / MASKS],
            remedy=f"{SOURCE.obtain} Licence: {SOURCE.licence}",
        )
    ids = sorted(mask_index)
    unsegmented = sorted(set(index) - set(ids))
    if unsegmented:
        first = ", ".join(unsegmented[:SHOWN_IDS])
        more = ", ..." if len(unsegmented) > SHOWN_IDS else ""
        log.warning(
            "COVID Rural: %d images without a mask file are left out: %s%s.",
            len(unsegmented), first, more,
        )  # fmt: skip
    present, absent = _files.present_rows(SOURCE, root, ids, index, allow_partial)
    kept = [name for name, here in zip(ids, present) if here]
    facts, facts_path = _patient_facts(root / folder)
    masks = MaskFiles(kept, partial(_read_mask, root, index, mask_index))
    paths = {name: root / mask_index[name] for name in kept}
    notes = None if cache_dir is None else Path(cache_dir) / "labels" / f"{SOURCE.name}.json"
    mark, mark_path = _files.phantom_mark(root)
    return Manifest(
        dataset=SOURCE.name,
        release="master",
        root=root,
        images=_image_table(kept, index, facts),
        labels=_labels(kept, nonempty(masks, paths, notes)),
        masks=masks,
        label_files=_files.relative(root, [*paths.values(), facts_path, mark_path]),
        phantom=mark,
        redistributable=SOURCE.redistributable,
        partial=len(absent),
        missing=absent[:10],
    )


def mask_pixels(path: Path) -> np.ndarray:
    """A mask file as booleans (height, width): inside is whatever is not 0.

    The files hold 0 and 1; 0 and 255, several channels or a palette are understood, too. An alpha
    channel says nothing.

    Raises:
        BadDataError: The file cannot be read.
    """
    from PIL import Image

    try:
        with Image.open(path) as picture:
            opaque = picture.mode not in ("RGBA", "LA")
            values = np.asarray(picture if opaque else picture.convert(picture.mode[:-1]))
    except Exception as error:
        raise BadDataError(f"The mask `{path}` cannot be read: {error}") from error
    return np.asarray((values if values.ndim == 2 else values.max(axis=2)) > 0)


def _read_mask(
    root: Path, index: Mapping[str, str], mask_index: Mapping[str, str], name: str
) -> np.ndarray:
    from benchmark.data.images import image_size

    inside = mask_pixels(root / mask_index[name])
    height, width = inside.shape
    rows, columns = image_size(root / index[name])
    # Radiographs that were shrunk keep their masks: the shape must agree, not the size.
    if abs(height * columns - width * rows) > max(height, width):
        raise BadDataError(
            f"COVID Rural: the mask of `{name}` has {height} x {width} pixels, its radiograph "
            f"{rows} x {columns}.",
            looked_in=[root],
        )
    return inside


def _patient_facts(folder: Path) -> tuple[pd.DataFrame | None, Path | None]:
    """Sex and age by patient, where the table of patients is there."""
    from benchmark.data.sources import _files

    path = _files.find_file(folder, [PATIENTS])
    if path is None:
        return None, None
    table = _files.read_table(path, {"PATIENT_ID": ["patient_id"]})
    _files.need_columns(path, table, ["PATIENT_ID"])
    table = _files.with_columns(table, "AGE", "SEX")
    return table.drop_duplicates("PATIENT_ID").set_index("PATIENT_ID"), path


def _image_table(
    ids: Sequence[str], index: Mapping[str, str], facts: pd.DataFrame | None
) -> pd.DataFrame:
    import pandas as pd

    from benchmark.data.sources import _files

    people = pd.Series([name.partition("_")[0] for name in ids], dtype=object)
    sex = people.map(facts["SEX"]).fillna("") if facts is not None else pd.Series("", people.index)
    age = people.map(facts["AGE"]).fillna("") if facts is not None else pd.Series("", people.index)
    return pd.DataFrame(
        {
            "image": list(ids),
            "path": [index[name] for name in ids],
            "patient": f"{SOURCE.namespace}:" + people,
            "study": list(ids),
            "view": "frontal",
            "split": "",
            "sex": sex.mask(sex.isin(_UNKNOWN), "").str.upper().str[:1],
            "age": _files.numbers(age),
        }
    )


def _labels(ids: Sequence[str], opacity: Mapping[str, bool]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({CLASSES[0]: [float(opacity[name]) for name in ids]}, dtype=float)
