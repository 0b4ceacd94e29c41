"""The images that MIMIC-CXR-JPG lists, for sets that were made from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


def listed_images(root: Path) -> pd.DataFrame | None:
    """Every image of the metadata with its patient and official part."""
    import pandas as pd

    from benchmark.data.sources import _files, mimic_cxr

    root = mimic_cxr.release_root(root)
    if not _files.find_file(root, ["mimic-cxr-2.0.0-metadata.csv"], _files.TABLE_ENDINGS):
        return None
    table, _ = mimic_cxr._listed_images(root)
    return pd.DataFrame(
        {
            "image": table["dicom_id"],
            "patient": f"{mimic_cxr.SOURCE.namespace}:" + table["subject_id"].astype(str),
            "split": table["split"],
        }
    )
