"""Published splits of the RSNA Pneumonia Detection Challenge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.data.list_facts import ListFacts, Origin, SplitRule
from benchmark.data.sources.rsna_pneumonia import CERTAIN_MATCH_MSE, CLASSES, COCO, LISTS

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

_LABELLED = "Of the 26,684 images with public labels; the test folder takes no part."

SPLITS = {
    "mgca": SplitRule(
        counts={"train": 16_010, "validation": 5_337, "test": 5_337},
        source="MGCA (Wang et al. 2022), which G2D follows",
        note=f"60/20/20. {_LABELLED} The source draws images, here NIH persons stay together.",
    ),
    "gloria": SplitRule(
        counts={"train": 18_678, "validation": 4_003, "test": 4_003},
        source="GLoRIA (Huang et al. 2021) and BenchX",
        note=f"70/15/15. {_LABELLED} The source draws images, here NIH persons stay together.",
    ),
}

FACTS = ListFacts(
    folder=LISTS,
    classes=CLASSES,
    coco=COCO,
    origin=Origin(
        dataset="nih_cxr14",
        statement="All images of the challenge were taken from NIH ChestX-ray14.",
        source="Shih et al. 2019, Radiology: Artificial Intelligence 1, e180041",
        table="rsna_to_nih_map.csv",
        image="patientId",
        origin="nih_image",
        distance="mse",
        limit=CERTAIN_MATCH_MSE,
        obtain="Get `rsna_to_nih_map.csv` from the repository of torchxrayvision.",
    ),
)


def listed_images(root: Path) -> pd.DataFrame | None:
    """Every image of the official training table with its label; a patient there is an image."""
    import pandas as pd

    from benchmark.data.sources import _files

    path = _files.find_file(root, ["stage_2_train_labels.csv"], _files.TABLE_ENDINGS)
    if path is None:
        return None
    table = _files.read_table(path)
    _files.need_columns(path, table, ["patientId", "Target"])
    target = pd.Series(_files.numbers(table["Target"]), index=table["patientId"])
    target = target.groupby(level=0).max()
    facts = {"image": target.index, "patient": None, "split": "train", CLASSES[0]: target.values}
    return pd.DataFrame(facts)
