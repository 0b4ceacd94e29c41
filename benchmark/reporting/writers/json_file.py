"""A table as `NAME.json`: what stands around it, and its cells as `rows.FIELDS` names them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from benchmark.reporting.writers.rows import FIELDS, cell_rows

if TYPE_CHECKING:
    from benchmark.reporting.model import Line, TablePage

SCHEMA = 1


def json_files(page: TablePage) -> dict[str, str]:
    """JSON without NaN; keys in the order of `FIELDS`, so that equal tables give equal bytes."""
    content = {
        "schema": SCHEMA,
        "table": page.name,
        "title": page.title,
        "paper": page.paper,
        "paper_table": page.paper_table,
        "suite": page.suite,
        "profile": page.profile,
        "phantom": page.phantom,
        "broken": list(page.faults),
        "warnings": list(page.warnings),
        "origin": list(page.header),
        "remarks": list(page.notes),
        "command": page.command,
        "cells": [{name: row[name] for name in FIELDS} for row in cell_rows(page)],
        "listings": [
            {"title": sheet.title, "columns": list(sheet.text_heads), "rows": _texts(sheet.lines)}
            for sheet in page.sheets
            if not sheet.heads
        ],
    }
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    return {f"{page.name}.json": text + "\n"}


def _texts(lines: tuple[Line, ...]) -> list[list[str]]:
    return [list(line.texts) for line in lines]
