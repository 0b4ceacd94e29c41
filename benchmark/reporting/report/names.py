"""Names that records brought into titles, sentences and captions: shown as they are written.

A text holds Markdown of its own, so a name inside it that holds marks of Markdown is looked up
among the names of the records and is neutralised (`markup.literal`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from benchmark.outside_names import short_name
from benchmark.reporting.report.markup import literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmark.reporting.model import Sheet, TableCell, TablePage
    from benchmark.reporting.report.model import FigureView
    from benchmark.reporting.select import Result


class Names:
    """The names of some records that Markdown would read otherwise than they are written.

    Args:
        results: Their baselines and changed options count.
    """

    def __init__(self, results: Iterable[Result]) -> None:
        found = {name for item in results for name in _names(item) if literal(name) != name}
        self._names = sorted(found, key=lambda name: (-len(name), name))

    def shielded(self, text: str) -> str:
        """A text with these names neutralised, the longest first."""
        for name in self._names:
            text = text.replace(name, literal(name))
        return text

    def in_pages(self, pages: Mapping[str, Sequence[TablePage]]) -> dict[str, list[TablePage]]:
        """Pages by suite with these names neutralised in their rows, reasons and sentences."""
        if not self._names:
            return {suite: list(listed) for suite, listed in pages.items()}
        return {suite: [self._page(page) for page in listed] for suite, listed in pages.items()}

    def in_figures(self, figures: Iterable[FigureView]) -> tuple[FigureView, ...]:
        """Figures with these names neutralised in their words."""
        return tuple(
            replace(
                one,
                picture=replace(
                    one.picture,
                    caption=self.shielded(one.picture.caption),
                    alternative=self.shielded(one.picture.alternative),
                ),
            )
            for one in figures
        )

    def _page(self, page: TablePage) -> TablePage:
        others = tuple(
            replace(
                one,
                header=self._texts(one.header),
                sheets=self._sheets(one.sheets),
                faults=self._texts(one.faults),
            )
            for one in page.others
        )
        return replace(
            page,
            header=self._texts(page.header),
            sheets=self._sheets(page.sheets),
            warnings=self._texts(page.warnings),
            notes=self._texts(page.notes),
            faults=self._texts(page.faults),
            others=others,
        )

    def _sheets(self, sheets: Iterable[Sheet]) -> tuple[Sheet, ...]:
        return tuple(
            replace(
                sheet,
                lines=tuple(
                    replace(
                        line,
                        texts=self._texts(line.texts),
                        cells=tuple(map(self._cell, line.cells)),
                    )
                    for line in sheet.lines
                ),
                remark=self.shielded(sheet.remark),
            )
            for sheet in sheets
        )

    def _cell(self, cell: TableCell) -> TableCell:
        beside = cell.beside
        if beside is not None:
            beside = replace(beside, reason=self.shielded(beside.reason))
        measured = replace(cell.measured, reason=self.shielded(cell.measured.reason))
        return replace(cell, measured=measured, beside=beside)

    def _texts(self, texts: Iterable[str]) -> tuple[str, ...]:
        return tuple(map(self.shielded, texts))


def _names(result: Result) -> list[str]:
    baseline = str(result.cell["baseline"])
    options = result.cell.get("options") or {}
    return [baseline, short_name(baseline), *(f"{key}={value}" for key, value in options.items())]
