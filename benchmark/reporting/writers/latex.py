r"""A table as `NAME.tex`: booktabs tables to `\input`, one for each sheet.

They need `\usepackage{booktabs}` and nothing else; a wide one may be put into `adjustbox` or set in
`\footnotesize`. Footnotes stand below each table as text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.reporting.markdown import Footnotes
from benchmark.reporting.writers.printed import Printed, Style, printed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmark.reporting.model import Sheet, TablePage

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "`": "",
    "*": "",
    "−": "$-$",
    "–": "--",
    "×": r"$\times$",
}


def latex_files(page: TablePage) -> dict[str, str]:
    """All sheets of the current data, in the order of the page."""
    parts = [f"% {page.name}: {page.command}", f"% {'; '.join(page.header)}"]
    parts += [_table(page, sheet, place) for place, sheet in enumerate(page.sheets)]
    return {f"{page.name}.tex": "\n\n".join(parts) + "\n"}


def escaped(text: str) -> str:
    """Plain text for LaTeX; Markdown's marks of code and stress are dropped."""
    return "".join(_SPECIAL.get(character, character) for character in " ".join(text.split()))


STYLE = Style(
    plain=escaped,
    strong=lambda text: rf"\textbf{{{escaped(text)}}}",
    emphasised=lambda text: rf"\emph{{{escaped(text)}}}",
)


def _table(page: TablePage, sheet: Sheet, place: int) -> str:
    notes = Footnotes()
    text = printed(sheet, notes, STYLE)
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_caption(page, sheet)}}}",
        rf"\label{{tab:{page.name}-{place + 1}}}",
        *_tabular(text),
        *_notes(notes.lines()),
        r"\end{table}",
    ]
    return "\n".join(lines)


def _caption(page: TablePage, sheet: Sheet) -> str:
    marks = [mark for mark, holds in (("phantom", page.phantom), ("BROKEN", page.faults)) if holds]
    origin = f"{page.paper_table} of {page.paper}: " if page.paper_table else ""
    title = f"{origin}{page.title}" + (f" ({', '.join(marks)})" if marks else "")
    return escaped(f"{title}. {sheet.title}." if sheet.title else f"{title}.")


def _tabular(text: Printed) -> list[str]:
    columns = "l" * text.text_columns + "r" * (len(text.headers) - text.text_columns)
    return [
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        _line(text.headers),
        r"\midrule",
        *(_line(row) for row in text.rows),
        r"\bottomrule",
        r"\end{tabular}",
    ]


def _line(cells: Sequence[str]) -> str:
    """A row; one that began with a bracket would be read as the length behind the last break."""
    begins = "{}" if cells[0].startswith("[") else ""
    return begins + " & ".join(cells) + r" \\"


def _notes(lines: Sequence[str]) -> list[str]:
    if not lines:
        return []
    return [r"\par\smallskip\footnotesize", *(escaped(line[2:]) + r"\par" for line in lines)]
