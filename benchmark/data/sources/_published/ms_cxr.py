"""Where the images of MS-CXR come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.data.list_facts import ListFacts, Origin
from benchmark.errors import MissingDataError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

FACTS = ListFacts(
    origin=Origin(
        dataset="mimic_cxr",
        statement="Phrases and boxes were drawn on images of MIMIC-CXR-JPG.",
        source="Boecking et al. 2022, ECCV",
        same_names=True,
    ),
)


def listed_images(root: Path) -> pd.DataFrame | None:
    """Every image that has a box, with the patient that its path names."""
    import pandas as pd

    from benchmark.data.sources import _files, ms_cxr

    try:
        path = ms_cxr._annotation_file(root)
    except MissingDataError:
        return None
    as_json = path.name.endswith(".json")
    rows = ms_cxr._rows_of_json(path) if as_json else ms_cxr._rows_of_csv(path)
    rows = rows.drop_duplicates("file")
    people = [ms_cxr._first(ms_cxr._SUBJECT, name) for name in rows["file"]]
    return pd.DataFrame(
        {
            "image": rows["file"].map(_files.stem_of),
            "patient": [f"{ms_cxr.SOURCE.namespace}:{name}" if name else None for name in people],
            "split": rows["split"],
        }
    ).reset_index(drop=True)
