"""A table as Markdown: `NAME.md`, and `NAME_details.md` where it has further tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.reporting.markdown import Footnotes, bullets, document, table
from benchmark.reporting.writers.printed import Style, printed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmark.reporting.model import DataLevel, Sheet, TablePage

GENERATED = "Generated from records. Do not edit: changes are lost at the next run."
STYLE = Style(
    plain=lambda text: text,
    strong=lambda text: f"**{text}**",
    emphasised=lambda text: f"*{text}*",
)


def markdown_files(page: TablePage) -> dict[str, str]:
    """The page, and its details where there are any."""
    files = {f"{page.name}.md": _page(page)}
    details = [sheet for sheet in page.sheets if sheet.place == "details"]
    if details:
        files[f"{page.name}_details.md"] = document(
            [
                _title(page).replace(": ", ", details: ", 1),
                _generated(page),
                _warnings(page),
                *_sheets(details),
                "## Origin",
                bullets(page.header),
            ]
        )
    return files


def _page(page: TablePage) -> str:
    shown = [sheet for sheet in page.sheets if sheet.place == "page"]
    return document(
        [
            _title(page),
            _generated(page),
            _warnings(page),
            *_sheets(shown),
            "## Remarks",
            bullets(page.notes),
            "## Origin",
            bullets(page.header),
            *(part for level in page.others for part in _other(level)),
        ]
    )


def _title(page: TablePage) -> str:
    origin = f"{page.paper_table} of {page.paper}: " if page.paper_table else ""
    return f"# {origin}{page.title}{_marks(page.phantom, page.faults)}"


def _marks(phantom: bool, faults: Sequence[str]) -> str:
    marks = [mark for mark, holds in (("phantom", phantom), ("BROKEN", bool(faults))) if holds]
    return f" ({', '.join(marks)})" if marks else ""


def _generated(page: TablePage) -> str:
    return f"<!-- {GENERATED} Command: {page.command} -->"


def _warnings(page: TablePage) -> str:
    return bullets([*_broken(page.faults), *(f"**{text}**" for text in page.warnings)])


def _broken(faults: Sequence[str]) -> list[str]:
    return ["**Broken: sentinels fail.** " + "; ".join(faults) + "."] if faults else []


def _sheets(sheets: Sequence[Sheet], level: str = "##") -> list[str]:
    """Heading, remark and table of each; the footnotes of all stand below the last."""
    notes = Footnotes()
    parts: list[str] = []
    for sheet in sheets:
        text = printed(sheet, notes, STYLE)
        parts += [
            f"{level} {sheet.title}" if sheet.title else "",
            sheet.remark,
            table(text.headers, text.rows, text.text_columns),
        ]
    return [*parts, "\n".join(notes.lines())]


def _other(level: DataLevel) -> list[str]:
    return [
        f"## Other data or variant{_marks(level.phantom, level.faults)}",
        bullets([*_broken(level.faults), *level.header]),
        *_sheets(level.sheets, "###"),
    ]
