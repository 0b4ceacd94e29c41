"""Sentences below a table: what its brackets, seeds, marks and verdicts mean, where it has any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.reporting.select import rows_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from benchmark.reporting.cells import Measured
    from benchmark.reporting.model import Beside, Line, Sheet, TableCell
    from benchmark.reporting.source import Source

ABLATION_SEEDS = 5
LEARNED_ROLES = ("method", "from scratch", "floor")


def remarks(source: Source, sheets: Sequence[Sheet], phantom: bool) -> list[str]:
    """The layout's own notes, then what a reader needs for these cells.

    Args:
        source: Of the table.
        sheets: The table itself and its further tables.
        phantom: Whether any of the data are.
    """
    cells = [cell for line in _lines(sheets) for cell in line.cells]
    learned = [
        cell.measured
        for line in _lines(sheets)
        if line.role in LEARNED_ROLES
        for cell in line.cells
        if cell.measured.state == "value" and cell.measured.pretraining_seeds
    ]
    lines = list(source.layout.notes)
    if any(cell.measured.interval for cell in cells):
        lines.append(
            "Brackets hold the 95 % interval over the test patients: percentiles of a bootstrap by "
            "patient, or DeLong's for an AUC of fewer than 30 patients on a side."
        )
    lines += _seed_remarks(learned)
    if source.layout.ablation:
        lines.append(_ablation(source, learned))
    lines += _phantom(source) if phantom else _marks(cells)
    lines += _published(cells)
    return [line for line in lines if line]


def _lines(sheets: Iterable[Sheet]) -> Iterator[Line]:
    for sheet in sheets:
        yield from sheet.lines


def _seed_remarks(cells: Sequence[Measured]) -> list[str]:
    lines = []
    if any(cell.pretraining_seeds == 1 for cell in cells):
        lines.append(
            "A value with one pre-training seed (`p`) speaks of that checkpoint, not of the "
            "method: its interval holds no spread between pre-training runs."
        )
    if any(_seed_sets(cell) > 1 for cell in cells):
        lines.append(
            "Where several seeds are named the value is their mean. Its interval joins the "
            "patients' error with the spread over each kind of seed that has several (Student's "
            "t). `sd` is the standard deviation over the seeds of an axis, apart from the "
            "patients' error."
        )
    if cells:
        lines.append("Seeds: `p` pre-training, `s` label subset, `h` head.")
    return lines


def _seed_sets(cell: Measured) -> int:
    return max((len(values) for values in (cell.seeds or {}).values()), default=0)


def _ablation(source: Source, cells: Sequence[Measured]) -> str:
    """How many pre-training seeds an ablation asks for, and how many its rows have."""
    fewest = min((cell.pretraining_seeds for cell in cells), default=0)
    if fewest >= ABLATION_SEEDS:
        return ""
    counts = f"its rows have {fewest} and more" if cells else "it has no record"
    rows = len([row for row in rows_for(source.layout, source.results) if row.row.baseline])
    return (
        f"An ablation compares steps that are smaller than the spread between pre-training runs "
        f"may be: it asks for at least {ABLATION_SEEDS} pre-training seeds a row "
        f"(`--pretrain-seeds 0,1,2,3,4`); {counts}" + (f", of {rows} rows." if not cells else ".")
    )


def _phantom(source: Source) -> list[str]:
    counted = any(column.data_free for column in source.layout.columns)
    return [
        "Phantom data are synthetic: no difference to a published number is shown"
        + (" but of what no data enter" if counted else "")
        + ", no value is marked as best, and no verdict on a method follows from this table."
    ]


def _marks(cells: Sequence[TableCell]) -> list[str]:
    if not any(cell.mark for cell in cells):
        return []
    return [
        "Marked in each column: the best method, and every method that cannot be told from it on "
        "the same patients (paired, Holm's correction within the column, 5 %)."
    ]


def _published(cells: Sequence[TableCell]) -> list[str]:
    sides: list[Beside] = [cell.beside for cell in cells if cell.beside is not None]
    lines = []
    if any(item.status in ("text", "copied") for item in sides):
        lines.append(
            "Status of a published number: `printed` in the named table; `text`, stated in the "
            "paper's text, the table's cell not seen; `copied`, taken from another paper that "
            "prints the same row."
        )
    if any(item.verdict in ("reproduced", "differs", "unresolved") for item in sides):
        lines.append(
            "After a published number: measured minus published, and whether it was reproduced "
            "(the rule: docs/reading_the_tables.md)."
        )
    return lines
