"""Writes split lists in the line forms of the lists published with MaCo's code.

NIH: `name` and 14 zeros or ones, CRLF line ends and no newline at the end of `train_list`,
`val_list`, `test_list`; LF in the label fractions. RSNA: `folder/id.dcm`, label, a trailing space.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.phantom.writers.common import Cells, Setting, Written
from benchmark.seeds import generator_from

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDER = "splits_maco"
NIH = f"{FOLDER}/NIH_ChestX-ray"
RSNA = f"{FOLDER}/RSNA_Pneumonia"
FEWEST_IMAGES = 2
"""A label fraction of a small phantom holds at least so many images."""


def nested_lists(rows: Sequence[Cells], setting: Setting, name: str) -> dict[str, list[Cells]]:
    """Rows (id, split, labels ...) by list name, shuffled; the 1 % lies in the 10 %.

    Args:
        rows: In any fixed order; split is `train`, `validate` or `test`.
        setting: Its seed orders the lines.
        name: Of the data set, an axis of the order.
    """
    order = generator_from("phantom", setting.seed, "lists", name).permutation(len(rows))
    shuffled = [rows[index] for index in order]
    lists = {
        f"{short}_list": [row for row in shuffled if row[1] == split]
        for short, split in (("train", "train"), ("val", "validate"), ("test", "test"))
    }
    train = lists["train_list"]
    for percent in (10, 1):
        count = max(FEWEST_IMAGES, round(len(train) * percent / 100))
        lists[f"train_{percent}"] = train[:count]
    return lists


def write_nih_lists(rows: Sequence[Cells], setting: Setting) -> Written:
    """Write the five NIH lists from rows (name, split, 14 labels)."""
    made = Written()
    for name, chosen in nested_lists(rows, setting, "nih").items():
        lines = [" ".join(map(str, (row[0], *row[2:]))) for row in chosen]
        whole = name.endswith("_list")
        text = "\r\n".join(lines) if whole else "".join(f"{line}\n" for line in lines)
        made.save(setting, f"{NIH}/{name}.txt", text.encode())
    return made


def write_rsna_lists(rows: Sequence[Cells], setting: Setting) -> Written:
    """Write the five RSNA lists from rows (id, split, label)."""
    made = Written()
    for name, chosen in nested_lists(rows, setting, "rsna").items():
        part = "test" if name == "test_list" else "train"
        text = "".join(f"stage_2_{part}_images/{row[0]}.dcm {row[2]} \n" for row in chosen)
        made.save(setting, f"{RSNA}/{name}.txt", text.encode())
    return made
