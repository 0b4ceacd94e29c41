"""Numbers that papers print, as data: `leaderboards/published/*.csv`; `join` maps them to ours.

A published number is shown beside a measured one; it is never mixed with it. The CSV columns are
`paper, table, task, dataset, method, labels_percent, class, metric, value, unit, status, source`.
`value` keeps the printed text, trailing zeros included; it is empty where no number is known.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.errors import BadDataError, MissingDataError
from benchmark.reporting.join import Join, read_join

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "COLUMNS",
    "SHOWN",
    "STATUSES",
    "UNITS",
    "WITH_VALUE",
    "Join",
    "PublishedNumber",
    "find",
    "read_csv",
    "read_files",
    "read_join",
]
COLUMNS = (
    "paper",
    "table",
    "task",
    "dataset",
    "method",
    "labels_percent",
    "class",
    "metric",
    "value",
    "unit",
    "status",
    "source",
)
STATUSES = (
    "printed",
    "text",
    "copied",
    "candidate",
    "not_reported",
    "not_applicable",
    "not_found",
    "recomputed",
)
"""`printed`: read in the table. `text`: stated in the running text. `copied`: taken from another
paper that prints the same row. `candidate`: as copied, and it is not certain that the row is in
the table. `not_reported`: the table has a dash. `not_found`: printed, but in no source at hand.
`recomputed`: computed from public prediction files."""
WITH_VALUE = ("printed", "text", "copied", "candidate", "recomputed")
SHOWN = ("printed", "text", "copied")
"""Statuses whose numbers may stand in a generated table."""
UNITS = ("percent", "fraction", "count", "gflops", "rank")


@dataclass(frozen=True)
class PublishedNumber:
    """One cell of a published table.

    Attributes:
        file: Stem of the CSV that holds it.
        labels_percent: `1`, `10`, `100`; `0` for zero-shot; empty where it has no meaning.
        class_name: Empty for an average over classes.
        text: The number as printed, or empty.
    """

    file: str
    paper: str
    table: str
    task: str
    dataset: str
    method: str
    labels_percent: str
    class_name: str
    metric: str
    text: str
    unit: str
    status: str
    source: str

    @property
    def value(self) -> float | None:
        """The printed number in its printed unit, or None."""
        return float(self.text) if self.text else None


def _number(file: str, line: int, row: Mapping[str, str]) -> PublishedNumber:
    """One parsed line.

    Raises:
        BadDataError: An unknown status or unit, a value that is no finite number, or a value
            that stands where the status says there is none.
    """

    def fault(problem: str) -> BadDataError:
        return BadDataError(f"{problem} in line {line} of the published numbers.", looked_in=[file])

    if row["status"] not in STATUSES:
        raise fault(f"Unknown status `{row['status']}`")
    if row["unit"] not in UNITS:
        raise fault(f"Unknown unit `{row['unit']}`")
    text = row["value"]
    try:
        finite = not text or math.isfinite(float(text))
    except ValueError:
        finite = False
    if not finite:
        raise fault(f"`{text}` is not a number")
    if bool(text) != (row["status"] in WITH_VALUE):
        raise fault(f"Value `{text}` does not fit status `{row['status']}`")
    return PublishedNumber(
        file=Path(file).stem,
        class_name=row["class"],
        text=text,
        **{name: row[name] for name in COLUMNS if name not in ("class", "value")},
    )


def read_csv(path: Path) -> list[PublishedNumber]:
    """All numbers of one CSV, in file order.

    Raises:
        MissingDataError: The file does not exist.
        BadDataError: Its columns or one of its lines are not as documented.
    """
    if not path.is_file():
        raise MissingDataError(
            "A file of published numbers is missing.",
            looked_in=[path],
            remedy="It is part of the repository: restore it from version control.",
        )
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream, strict=True)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise BadDataError(
                "A file of published numbers has other columns than expected.",
                looked_in=[path],
                remedy="Expected: " + ", ".join(COLUMNS) + ".",
            )
        numbers = []
        for row in reader:
            if None in row or None in row.values():
                raise BadDataError(f"Line {reader.line_num} is ragged.", looked_in=[path])
            numbers.append(_number(path.name, reader.line_num, row))
        return numbers


def read_files(folder: Path, stems: Iterable[str]) -> list[PublishedNumber]:
    """All numbers of several CSVs of one folder, in the order given.

    Raises:
        MissingDataError: One of the files does not exist.
        BadDataError: One of the files is not as documented.
    """
    return [number for stem in stems for number in read_csv(folder / f"{stem}.csv")]


def find(
    numbers: Iterable[PublishedNumber],
    *,
    method: str,
    dataset: str,
    metric: str,
    labels_percent: str = "0",
    class_name: str = "",
    task: str = "",
) -> PublishedNumber | None:
    """The number of one published cell, or None where the paper has no such cell.

    `task` is needed only where a paper has two tasks on one data set; empty takes any.
    """
    wanted = (method, dataset, metric, labels_percent, class_name)
    for item in numbers:
        key = (item.method, item.dataset, item.metric, item.labels_percent, item.class_name)
        if key == wanted and task in ("", item.task):
            return item
    return None
