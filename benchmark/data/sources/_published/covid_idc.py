"""Published splits of the COVID-19 image data collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.data.list_facts import SplitRule
from benchmark.data.sources.covid_idc import CLASSES, SOURCE

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

_NOTE = "The published lists are by image; here whole patients stand in one part."

SPLITS = {
    "mrm_covid": SplitRule(
        counts={"train": 354, "validation": 51, "test": 104},
        source="MRM (Zhou et al. 2023), first of its five lists",
        pool="all",
        labelled=CLASSES[0],
        note=_NOTE,
    ),
    "mrm_viral": SplitRule(
        counts={"train": 296, "validation": 45, "test": 84},
        source="MRM (Zhou et al. 2023), first of its five lists",
        pool="all",
        labelled=CLASSES[1],
        note=_NOTE,
    ),
}


def list_frames(folder: Path) -> dict[str, pd.DataFrame]:
    """MRM's five splits of both tasks."""
    from benchmark.data.sources import covid_idc

    return covid_idc.mrm_lists(folder, folder)


def listed_images(root: Path) -> pd.DataFrame | None:
    """Every frontal radiograph of the table with its patient."""
    import pandas as pd

    from benchmark.data.sources import _files, covid_idc

    path = _files.find_file(root, ["metadata.csv"], _files.TABLE_ENDINGS)
    if path is None:
        return None
    rows = covid_idc.frontal_rows(path)
    people = rows["patientid"].where(rows["patientid"].ne(""), "image " + rows["filename"])
    facts = {"image": rows["filename"], "patient": f"{SOURCE.namespace}:" + people, "split": ""}
    return pd.DataFrame(facts)
