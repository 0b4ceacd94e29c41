"""A table page as a view of the report, and the count of its verdicts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from benchmark.reporting.report.markup import plain, slug
from benchmark.reporting.report.model import TableLevel, TableView
from benchmark.reporting.report.sheets import LinkOf, sheet_grid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmark.reporting.model import Sheet, TableCell, TablePage

VERDICTS = (
    "reproduced",
    "differs",
    "unresolved",
    "not comparable",
    "not measured",
)


def table_view(page: TablePage, anchor: str, suites: Sequence[str], link_of: LinkOf) -> TableView:
    """One page with all of its sheets, those of other data below.

    Args:
        page: From `benchmark.reporting.tables.table_pages`.
        anchor: Id of the view.
        suites: Names of the report's suites that show this very page.
        link_of: Place of the record with a key.
    """
    levels = [_level(page.sheets, page.header, page.faults, page.phantom, anchor, link_of)]
    for place, other in enumerate(page.others, start=2):
        levels.append(
            _level(
                other.sheets,
                other.header,
                other.faults,
                other.phantom,
                f"{anchor}-{place}",
                link_of,
            )
        )
    cells = list(page_cells(page))
    return TableView(
        anchor=anchor,
        name=page.name,
        short=page.paper_table or plain(page.title),
        title=page.title,
        paper=page.paper,
        suites=tuple(suites),
        command=page.command,
        counts=verdicts(cells),
        measured=sum(cell.measured.state == "value" for cell in cells),
        warnings=page.warnings,
        notes=page.notes,
        levels=tuple(levels),
    )


def _level(
    sheets: Iterable[Sheet],
    header: tuple[str, ...],
    faults: tuple[str, ...],
    phantom: bool,
    anchor: str,
    link_of: LinkOf,
) -> TableLevel:
    grids = tuple(
        sheet_grid(sheet, f"{anchor}-s{place}", link_of)
        for place, sheet in enumerate(sheets, start=1)
    )
    return TableLevel(header, faults, phantom, grids)


def page_sheets(page: TablePage) -> list[Sheet]:
    """All sheets of a page, those of other data last."""
    return [*page.sheets, *(sheet for other in page.others for sheet in other.sheets)]


def page_cells(page: TablePage) -> Iterable[TableCell]:
    """All cells of a page."""
    return (cell for sheet in page_sheets(page) for line in sheet.lines for cell in line.cells)


def verdicts(cells: Iterable[TableCell]) -> dict[str, int]:
    """How many published cells have which verdict, in the order of `VERDICTS`."""
    count = Counter(str(cell.beside.verdict) for cell in cells if cell.beside is not None)
    return {name: count[name] for name in VERDICTS}


def total(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """The sum of several counts."""
    listed = list(counts)
    return {name: sum(one.get(name, 0) for one in listed) for name in VERDICTS}


def distinct(
    pages: Mapping[str, Sequence[TablePage]],
) -> list[tuple[TablePage, str, tuple[str, ...]]]:
    """Every page once, with its id and the suites that show it.

    Two suites may show one layout. Where both show the same sheets it is one view; where they do
    not (another corpus) the second one has the suite in its id.

    Args:
        pages: Of each suite, by its name.
    """
    found: list[tuple[TablePage, str, list[str]]] = []
    for suite, its_pages in pages.items():
        for page in its_pages:
            same = next((item for item in found if _equal(item[0], page)), None)
            if same is not None:
                same[2].append(suite)
                continue
            taken = {anchor for _, anchor, _ in found}
            anchor = f"table-{slug(page.name)}"
            if anchor in taken:
                anchor = f"table-{slug(suite)}-{slug(page.name)}"
            found.append((page, anchor, [suite]))
    return [(page, anchor, tuple(suites)) for page, anchor, suites in found]


def _equal(first: TablePage, second: TablePage) -> bool:
    """Whether two pages show the same: the command that makes them again may differ."""
    return first.name == second.name and (first.sheets, first.others, first.faults) == (
        second.sheets,
        second.others,
        second.faults,
    )
