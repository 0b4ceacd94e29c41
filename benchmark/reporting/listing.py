"""Published numbers as a table of their own, as they are printed; nothing measured stands here.

For what no record holds, such as the sizes of data sets that a paper's text states, and for what
other papers print of the same data under other rules. The last column is the status of the line's
numbers, so that a number that nobody printed (`recomputed`) cannot be taken for a paper's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.errors import BadDataError
from benchmark.reporting.model import Line, Sheet

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmark.reporting.layout_parts import Listing
    from benchmark.reporting.published import PublishedNumber

UNLISTED = ("candidate",)
"""Statuses whose numbers are shown nowhere: it is not certain which table they belong to."""
UNIT_MARKS = {"percent": " %", "gflops": " GFLOPS"}
ATTRIBUTES = {"class": "class_name", "value": "text"}
"""Columns of the CSVs that `PublishedNumber` calls by another name."""


def listing_sheet(listing: Listing, numbers: Iterable[PublishedNumber]) -> Sheet:
    """One listing as a sheet of texts, without a measured cell.

    Args:
        listing: What is listed, and how.
        numbers: Of any files; those of `listing.file` are read, in their order.

    Returns:
        A sheet with texts alone: one line for each combination of the leading fields, those of
        one first field together, then one number, or one for each value of `listing.across`,
        then their status.

    Raises:
        BadDataError: No number fits, or two numbers fall into one place.
    """
    found = listed_numbers(listing, numbers)
    if not found:
        raise BadDataError(
            f"The listing `{listing.title}` lists no number.",
            looked_in=[f"{listing.file}.csv"],
            remedy="Compare its `where` with the columns of that file.",
        )
    columns = list(dict.fromkeys(_across(listing, item) for item in found))
    lines = _by_line(listing, found)
    groups = list(dict.fromkeys(leading[:1] for leading in lines))
    grouped = sorted(lines, key=lambda leading: groups.index(leading[:1]))
    heads = columns if listing.across else ["Published"]
    return Sheet(
        title=listing.title,
        text_heads=(*listing.fields, *heads, "Status"),
        heads=(),
        lines=tuple(_line(leading, columns, lines[leading]) for leading in grouped),
        remark=" ".join(filter(None, (_origin(found), listing.remark))),
        place=listing.place,
    )


def listed_numbers(
    listing: Listing, numbers: Iterable[PublishedNumber]
) -> tuple[PublishedNumber, ...]:
    """The numbers that a listing shows, in file order; `candidate` ones are shown nowhere."""
    return tuple(
        item
        for item in numbers
        if item.file == listing.file
        and item.status not in UNLISTED
        and all(_raw(item, name) in values for name, values in listing.where.items())
    )


def _by_line(
    listing: Listing, found: Iterable[PublishedNumber]
) -> dict[tuple[str, ...], dict[str, PublishedNumber]]:
    """By leading texts, then by the text of `across`, in file order."""
    lines: dict[tuple[str, ...], dict[str, PublishedNumber]] = {}
    for item in found:
        leading = tuple(_field_text(item, name) for name in listing.fields.values())
        place = _across(listing, item)
        if place in lines.setdefault(leading, {}):
            raise BadDataError(
                f"The listing `{listing.title}` has two numbers for "
                f"`{' / '.join(filter(None, (*leading, place)))}`.",
                looked_in=[f"{listing.file}.csv"],
                remedy="Name a field that tells them apart.",
            )
        lines[leading][place] = item
    return lines


def _line(
    leading: tuple[str, ...], columns: Sequence[str], by_place: dict[str, PublishedNumber]
) -> Line:
    shown = [by_place[place] for place in columns if place in by_place]
    statuses = [item.status for item in shown if item.text] or [item.status for item in shown]
    texts = [_number_text(by_place[place]) if place in by_place else "" for place in columns]
    return Line(texts=(*leading, *texts, ", ".join(map(_words, dict.fromkeys(statuses)))), cells=())


def _number_text(item: PublishedNumber) -> str:
    """As printed with its unit, or why there is no number; never 0."""
    return item.text + UNIT_MARKS.get(item.unit, "") if item.text else _words(item.status)


def _words(status: str) -> str:
    return status.replace("_", " ")


def _across(listing: Listing, item: PublishedNumber) -> str:
    return _field_text(item, listing.across) if listing.across else ""


def _field_text(item: PublishedNumber, name: str) -> str:
    text = _raw(item, name)
    if name == "labels_percent":
        return {"": "", "0": "zero-shot"}.get(text, f"{text} %")
    if name == "class":
        return text or "Mean"
    return text


def _raw(item: PublishedNumber, name: str) -> str:
    value: str = getattr(item, ATTRIBUTES.get(name, name))
    return value


def _origin(found: Sequence[PublishedNumber]) -> str:
    """Which papers and tables the numbers are of."""
    places = dict.fromkeys(f"{item.paper}, {item.table}" for item in found)
    return "; ".join(places) + "."
