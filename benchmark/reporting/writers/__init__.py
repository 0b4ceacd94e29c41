"""Writers of tables: each turns a `TablePage` into files, by name, and adds no fact."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from benchmark.reporting.model import TablePage
from benchmark.reporting.writers.csv_file import csv_files
from benchmark.reporting.writers.json_file import json_files
from benchmark.reporting.writers.latex import latex_files
from benchmark.reporting.writers.markdown_page import markdown_files

Writer = Callable[[TablePage], Mapping[str, str]]
WRITERS: Mapping[str, Writer] = {
    "markdown": markdown_files,
    "csv": csv_files,
    "latex": latex_files,
    "json": json_files,
}
"""By format: gives the content by file name."""
