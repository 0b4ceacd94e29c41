"""Reads Open-i, the Indiana University collection: reports with images, without a credential."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.data.manifest import Manifest, SourceSpec
from benchmark.data.sources.nih_cxr14 import CLASSES
from benchmark.errors import MissingDataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from benchmark.data.sources._open_i_reports import Citation

SOURCE = SourceSpec(
    name="open_i",
    title="Open-i (Indiana University chest X-rays)",
    licence="CC BY-NC-ND 4.0, stated in every report: non-commercial, no altered copies.",
    redistributable=False,
    obtain="Get NLMCXR_reports.tgz and NLMCXR_png.tgz (unpacked) from openi.nlm.nih.gov, or the "
    "Kaggle copy `raddar/chest-xrays-indiana-university`.",
    folders=("open-i", "open_i", "openi", "NLMCXR", "chest-xrays-indiana-university"),
    namespace="openi",
    expected={"images": 7_470, "patients": 3_851, "studies": 3_851, "reports": 3_955},
)

# The classes are those of NIH ChestX-ray14, in its order, so that one set of prompts serves both.
HEADINGS: dict[str, tuple[str, ...]] = {
    "Pulmonary Atelectasis": ("Atelectasis",),
    "Cardiomegaly": ("Cardiomegaly",),
    "Pleural Effusion": ("Effusion",),
    "Infiltrate": ("Infiltration",),
    "Mass": ("Mass",),
    "Nodule": ("Nodule",),
    "Pneumonia": ("Pneumonia",),
    "Pneumothorax": ("Pneumothorax",),
    "Hydropneumothorax": ("Effusion", "Pneumothorax"),
    "Hemopneumothorax": ("Effusion", "Pneumothorax"),
    "Hemothorax": ("Effusion",),
    "Consolidation": ("Consolidation",),
    "Pulmonary Edema": ("Edema",),
    "Emphysema": ("Emphysema",),
    "Pulmonary Emphysema": ("Emphysema",),
    "Bullous Emphysema": ("Emphysema",),
    "Pulmonary Fibrosis": ("Fibrosis",),
    "Fibrosis": ("Fibrosis",),
    "Thickening/pleura": ("Pleural_Thickening",),
    "Hernia, Hiatal": ("Hernia",),
    "Hernia, Diaphragmatic": ("Hernia",),
}
"""Classes by MeSH heading, or by heading and first qualifier."""

NOT_INDEXED = "No Indexing"


def read(root: Path, *, allow_partial: bool = False, lists_root: Path | None = None) -> Manifest:
    """One row an image of a report; each report is a study and, as nobody is named, a patient.

    The reports come from `ecgen-radiology/*.xml`, from `NLMCXR_reports.tgz` as it is, or from the
    two CSVs of Kaggle. No XML tells frontal from lateral: the view comes from
    `indiana_projections.csv` or from a table of torchxrayvision, if one lies beside the data;
    otherwise all are unknown and `release` says so. Labels are the MeSH headings given by hand;
    NaN for a report without any. A report without an image is in `reports` alone.

    Args:
        root: Folder of the reports, with the images somewhere below it.
        allow_partial: Leave out images that are absent.
        lists_root: Not used.

    Raises:
        MissingDataError: No reports, or an image is absent.
        BadDataError: A report that cannot be read.
    """
    from benchmark.data.sources import _files, _open_i_reports

    root = Path(root).resolve()
    citations, used, form = _open_i_reports.read_citations(root)
    if not citations:
        raise MissingDataError(
            "Open-i: no reports are there.",
            looked_in=[root / _open_i_reports.FOLDERS[0], root / _open_i_reports.ARCHIVES[0]],
            remedy=f"{SOURCE.obtain} Licence: {SOURCE.licence}",
        )
    views, view_path = _open_i_reports.read_views(root)
    index: dict[str, str] = {}
    for stem, path in sorted(_files.index_images(root).items()):
        index.setdefault(_open_i_reports.image_id(stem), path)
    pairs = [(name, item) for item in citations for name in item.images]
    names = [name for name, _ in pairs]
    present, absent = _files.present_rows(SOURCE, root, names, index, allow_partial)
    pairs = [pair for pair, here in zip(pairs, present) if here]
    images = _image_table(pairs, index, views)
    known = images["view"].ne("unknown").any()
    mark, mark_path = _files.phantom_mark(root)
    return Manifest(
        dataset=SOURCE.name,
        release=form if known else f"{form}, views unknown: frontal and lateral are mixed",
        root=root,
        images=images,
        labels=_labels([item for _, item in pairs]),
        reports={item.uid: item.text for item in citations},
        label_files=_files.relative(root, [*used, view_path, mark_path]),
        phantom=mark,
        redistributable=SOURCE.redistributable,
        partial=len(absent),
        missing=absent[:10],
    )


def classes_of(headings: Sequence[str]) -> set[str] | None:
    """The classes that MeSH headings name; None where the report was not indexed."""
    if not headings or NOT_INDEXED in headings:
        return None
    found: set[str] = set()
    for heading in headings:
        parts = heading.split("/")
        for key in (parts[0], "/".join(parts[:2])):
            found.update(HEADINGS.get(key, ()))
    return found


def _image_table(
    pairs: Sequence[tuple[str, Citation]], index: Mapping[str, str], views: Mapping[str, str]
) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {
            "image": [name for name, _ in pairs],
            "path": [index[name] for name, _ in pairs],
            "patient": [f"{SOURCE.namespace}:{item.uid}" for _, item in pairs],
            "study": [item.uid for _, item in pairs],
            "view": [views.get(name, "unknown") for name, _ in pairs],
            "split": "",
            "sex": "",
            "age": float("nan"),
        }
    )


def _labels(citations: Sequence[Citation]) -> pd.DataFrame:
    import pandas as pd

    found = [classes_of(item.headings) for item in citations]
    return pd.DataFrame(
        {
            name: [float("nan") if held is None else float(name in held) for held in found]
            for name in CLASSES
        }
    )
