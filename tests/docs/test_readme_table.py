"""The README's table is an excerpt of the committed one: every cell stands there, in its row."""

from __future__ import annotations

import re
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
CELL = re.compile(r" \[\d+\]$")


def tables(text: str) -> list[dict[str, list[str]]]:
    """Each Markdown table: cells by the first cell of the row, footnote marks taken off."""
    found: list[dict[str, list[str]]] = [{}]
    for line in text.splitlines():
        if not line.startswith("|"):
            if found[-1]:
                found.append({})
            continue
        cells = [CELL.sub("", cell.strip()) for cell in line.strip().strip("|").split("|")]
        found[-1][cells[0]] = cells[1:]
    return [table for table in found if table]


def test_every_number_of_the_readme_is_in_the_committed_table() -> None:
    section = (CHECKOUT / "README.md").read_text(encoding="utf-8").split("## A table it made")[1]
    excerpt = tables(section.split("\n## ")[0])
    page = (CHECKOUT / "leaderboards" / "maco_table7.md").read_text(encoding="utf-8")
    whole = tables(page)
    assert len(excerpt) == 2
    checked = 0
    for shown, source in zip(excerpt, whole, strict=False):
        for row, cells in list(shown.items())[2:]:
            for cell in filter(None, cells):
                assert cell in source[row], f"{row}: {cell}"
                checked += 1
    assert checked > 40
    swapped = next(line for line in page_of_grounding() if line.startswith("| MaCo"))
    assert "+0.892" in swapped and "phrase swapped" in swapped and "+0.892" in section


def page_of_grounding() -> list[str]:
    text = (CHECKOUT / "leaderboards" / "maco_table6.md").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if "phrase swapped" in line]
