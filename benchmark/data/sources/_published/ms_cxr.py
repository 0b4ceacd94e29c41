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

    from benchmark.data.sources import _files
    from benchmark.data.sources._ms_cxr_annotations import (
        annotation_file,
        read_annotations,
        subject_of,
    )
    from benchmark.data.sources.ms_cxr import SOURCE

    try:
        path = annotation_file(SOURCE, root)
    except MissingDataError:
        return None
    rows = read_annotations(path).drop_duplicates("file")
    people = [subject_of(name) for name in rows["file"]]
    return pd.DataFrame(
        {
            "image": rows["file"].map(_files.stem_of),
            "patient": [f"{SOURCE.namespace}:{name}" if name else None for name in people],
            "split": rows["split"],
        }
    ).reset_index(drop=True)
