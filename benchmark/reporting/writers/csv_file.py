"""A table as `NAME.csv`: one line for each cell, as `rows.FIELDS` names them."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from benchmark.reporting.writers.rows import FIELDS, cell_rows

if TYPE_CHECKING:
    from benchmark.reporting.model import TablePage


def csv_files(page: TablePage) -> dict[str, str]:
    """The cells of all sheets in long form; lists are joined by blanks, nothing is empty text."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, FIELDS, lineterminator="\n")
    writer.writeheader()
    for row in cell_rows(page):
        writer.writerow({name: _text(row[name]) for name in FIELDS})
    return {f"{page.name}.csv": stream.getvalue()}


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return " ".join(map(str, value))
    return repr(value) if isinstance(value, float) else str(value)
