"""Published splits of NIH ChestX-ray14."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.data.list_facts import ListFacts, SplitRule
from benchmark.data.sources.nih_cxr14 import ALIASES, CLASSES, LISTS, SOURCE, TABLES

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

SPLITS = {
    "kad": SplitRule(
        counts={"train": 77_872, "validation": 8_652, "test": 25_596},
        source="KAD (Zhang et al. 2023), which G2D follows",
        whole={"test": "test"},
        note="A tenth of the official train_val part is for validation. The source does not say "
        "whether patients are kept together; here they are.",
    ),
    "medklip": SplitRule(
        counts={"train": 89_696, "validation": 11_212, "test": 11_212},
        source="MedKLIP (Wu et al., ICCV 2023), whose setting G2D's Table 7 has: 80, 10 and 10 %",
        pool="all",
        note="From memory of the paper; its list is not published, and the source does not say "
        "whether patients are kept together; here they are.",
    ),
}

FACTS = ListFacts(folder=LISTS, classes=CLASSES, patient=r"(?:^|/)(\d{8})_\d+$")


def listed_images(root: Path) -> pd.DataFrame | None:
    """Every image of the official table with its patient and its labels."""
    import pandas as pd

    from benchmark.data.sources import _files

    path = _files.find_file(root, TABLES, _files.TABLE_ENDINGS)
    if path is None:
        return None
    table = _files.read_table(path, ALIASES)
    _files.need_columns(path, table, ["Image Index", "Finding Labels", "Patient ID"])
    people = _files.numbers(table["Patient ID"])
    found = "|" + table["Finding Labels"] + "|"
    return pd.DataFrame(
        {
            "image": [_files.stem_of(name) for name in table["Image Index"]],
            "patient": [f"{SOURCE.namespace}:{int(person):08d}" for person in people],
            "split": "",
            **{name: found.str.contains(f"|{name}|", regex=False) * 1.0 for name in CLASSES},
        }
    )
