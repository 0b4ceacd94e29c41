"""Published lists of SIIM-ACR Pneumothorax."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.data.list_facts import ListFacts, Origin, SplitRule
from benchmark.data.sources.siim_acr import CLASSES, EMPTY, LISTS, TABLES

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

SPLITS = {
    "g2d": SplitRule(
        counts={"train": 8_433, "validation": 1_807, "test": 1_807},
        source="MedKLIP (Wu et al. 2023), which G2D follows",
        pool="all",
        note="70/15/15 of the 12,047 labelled images. The source draws images; here those of one "
        "`PatientID` stay together.",
    ),
}

FACTS = ListFacts(
    folder=LISTS,
    classes=CLASSES,
    origin=Origin(
        dataset="nih_cxr14",
        statement="The images were taken from NIH ChestX-ray14; which ones is not published.",
        source="Filice et al. 2020, Journal of Digital Imaging 33, 490-496",
    ),
)


def listed_images(root: Path) -> pd.DataFrame | None:
    """Every image of the table of run lengths: 1 where it has a mask."""
    import pandas as pd

    from benchmark.data.sources import _files

    path = _files.find_file(root, TABLES, _files.TABLE_ENDINGS)
    if path is None:
        return None
    table = _files.read_table(path)
    _files.need_columns(path, table, ["ImageId", "EncodedPixels"])
    masked = table["EncodedPixels"].ne(EMPTY).groupby(table["ImageId"]).any().astype(float)
    facts = {"image": masked.index, "patient": None, "split": "", CLASSES[0]: masked.to_numpy()}
    return pd.DataFrame(facts)
