"""Every number that the papers print stands in a table, and every file of them has a use."""

from __future__ import annotations

import tomllib
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

import pytest

from benchmark.registry import CHECKOUT
from benchmark.reporting.layout import TableLayout, read_layout, suite_tables
from benchmark.reporting.listing import listed_numbers
from benchmark.reporting.published import SHOWN, PublishedNumber, find, read_csv

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BOARDS = CHECKOUT / "leaderboards"
NUMBERS = {path.stem: read_csv(path) for path in sorted((BOARDS / "published").glob("*.csv"))}
LAYOUTS = {path.stem: read_layout(path) for path in sorted((BOARDS / "tables").glob("*.toml"))}
IN_SUITES = {
    name for path in (BOARDS / "suites").glob("*.toml") for name in suite_tables(BOARDS, path.stem)
}
PAPERS = ("maco", "mrm", "g2d")
"""Beginnings of the files whose every number must stand in a table."""
APART = ("mrm_reproductions_issues",)
"""Of these papers by name, but reports of their users."""


def by_method(layout: TableLayout) -> dict[str, list[PublishedNumber]]:
    found: dict[str, list[PublishedNumber]] = {}
    for stem in layout.published:
        for item in NUMBERS[stem]:
            found.setdefault(item.method, []).append(item)
    return found


def looked_up(
    numbers: list[PublishedNumber], method: str, named: Mapping[str, str], class_name: str = ""
) -> list[PublishedNumber]:
    """The number that a table finds for one cell, as `beside.published_cell` does."""
    if not method or not named:
        return []
    item = find(
        numbers,
        method=method,
        dataset=named["dataset"],
        metric=named["metric"],
        labels_percent=named["labels"],
        class_name=class_name or named.get("class", ""),
        task=named.get("task", ""),
    )
    return [] if item is None else [item]


def beside_measured(layout: TableLayout) -> Iterator[PublishedNumber]:
    """Numbers in the published columns of a page: rows by columns, and tables by class."""
    methods = by_method(layout)
    forms = {form.name for form in layout.forms} or {""}
    for row in layout.rows:
        numbers = methods.get(row.published, [])
        classes = dict.fromkeys(item.class_name for item in numbers)
        if row.published_form in (set(row.forms) or forms):
            for column in layout.columns:
                yield from looked_up(numbers, row.published, column.published)
        for extra in layout.extras:
            for name in ("", *filter(None, classes)) if extra.kind == "per_class" else ():
                yield from looked_up(numbers, row.published, extra.published, name)


def listed(layout: TableLayout) -> Iterator[PublishedNumber]:
    for listing in layout.listings:
        yield from listed_numbers(listing, NUMBERS[listing.file])


@cache
def shown(kind: str) -> frozenset[PublishedNumber]:
    """Every number that a page of some suite shows, `beside` a measured one or `listed`."""
    walk = {"beside": beside_measured, "listed": listed}[kind]
    return frozenset(item for name in sorted(IN_SUITES) for item in walk(LAYOUTS[name]))


def standing() -> frozenset[PublishedNumber]:
    return shown("beside") | shown("listed")


def required(*statuses: str) -> list[PublishedNumber]:
    return [
        item
        for stem, numbers in NUMBERS.items()
        if stem.startswith(PAPERS) and stem not in APART
        for item in numbers
        if item.status in statuses
    ]


def words(items: list[PublishedNumber]) -> str:
    return f"{len(items)} numbers stand in no table:\n" + "\n".join(
        f"{item.file}: {item.method}, {item.dataset}, {item.metric}, {item.labels_percent} %, "
        f"class `{item.class_name}`: {item.text or item.status}"
        for item in items
    )


def test_no_two_rows_of_published_numbers_are_alike():
    """Two rows that differ in their number alone would be one cell of a table."""
    for stem, numbers in NUMBERS.items():
        keys = Counter(
            (n.task, n.dataset, n.method, n.labels_percent, n.class_name, n.metric, n.source)
            if n.source
            else (n.task, n.dataset, n.method, n.labels_percent, n.class_name, n.metric)
            for n in numbers
        )
        assert not [key for key, count in keys.items() if count > 1], stem


def test_every_printed_number_of_the_papers_stands_in_a_table():
    wanted = required("printed", "text")
    there = standing()
    missing = [item for item in wanted if item not in there]
    assert not missing, words(missing)
    assert len(wanted) > 1200


def test_what_is_copied_or_has_no_number_stands_there_too():
    """All but `candidate`: it is not certain that those are of the table at all."""
    wanted = required("copied", "not_found", "not_reported", "not_applicable")
    there = standing()
    missing = [item for item in wanted if item not in there]
    assert not missing, words(missing)
    assert len(wanted) > 800


def test_a_number_that_is_not_a_papers_own_stands_beside_no_measured_one():
    assert not {"candidate", "recomputed"} & {item.status for item in shown("beside")}
    statuses = Counter(item.status for item in shown("listed"))
    assert "candidate" not in statuses
    assert statuses["recomputed"] == 270


def test_a_number_that_is_missing_would_be_noticed():
    layout = LAYOUTS["maco_table6"]
    seen = {item for item in beside_measured(layout) if item.status in SHOWN}
    assert len(seen) == 8
    item = next(iter(seen))
    assert item not in set(beside_measured(LAYOUTS["maco_v1_table5"]))
    assert item.dataset in words([item])


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_every_layout_is_named_by_a_suite(name):
    assert name in IN_SUITES


def test_every_file_is_in_a_table_or_has_one_reason():
    text = (BOARDS / "published" / "unused.toml").read_text(encoding="utf-8")
    reasons = tomllib.loads(text)
    assert all(isinstance(reason, str) and len(reason) > 20 for reason in reasons.values())
    assert len(set(reasons.values())) == len(reasons)
    used = {item.file for item in standing()}
    assert used | set(reasons) == set(NUMBERS)
    assert not used & set(reasons), "a reason for a file that a table shows"
    named = {stem for layout in LAYOUTS.values() for stem in (*layout.published, *layout.listed)}
    assert named == used, "a layout names a file of which it shows nothing"
