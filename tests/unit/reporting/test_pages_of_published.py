"""Pages of every suite without runs: each printed number is there, and no other one."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from benchmark.interfaces import Metric
from benchmark.reporting.layout import suite_tables
from benchmark.reporting.published import SHOWN
from benchmark.reporting.tables import table_pages
from tests.unit.reporting.test_coverage_of_published import (
    BOARDS,
    LAYOUTS,
    beside_measured,
    listed,
)

if TYPE_CHECKING:
    from benchmark.reporting.layout import TableLayout
    from benchmark.reporting.model import TablePage

SUITES = sorted(path.stem for path in (BOARDS / "suites").glob("*.toml"))
GROUNDING = ("cnr", "miou", "miou_official")


@pytest.fixture
def results(records):
    """One record alone: a row at a set temperature stands only where there is one."""
    metrics = {
        name + form: Metric(0.5, interval=(0.4, 0.6))
        for name in GROUNDING
        for form in ("", "/official_tau")
    }
    for baseline in ("maco", "maco_v1"):
        data_id = "ms_cxr-phantom-v1-aaaaaaaa"
        records.add("ms_cxr_grounding", baseline, metrics, data_id=data_id)
    return records.root


@pytest.mark.parametrize("suite", SUITES)
def test_a_page_shows_every_printed_number_and_no_other(suite, results):
    pages = table_pages(suite, results, "demo")
    assert [page.name for page in pages] == list(suite_tables(BOARDS, suite))
    for page in pages:
        layout = LAYOUTS[page.name]
        sides = [
            cell.beside
            for sheet in page.sheets
            for line in sheet.lines
            for cell in line.cells
            if cell.beside is not None and cell.beside.text
        ]
        wanted = Counter((item.text, item.status) for item in beside_measured(layout) if item.text)
        shown = Counter((side.text, side.status) for side in sides)
        # The mean over classes stands in the table and again above its classes.
        assert set(shown) == set(wanted), page.name
        assert not wanted - shown, page.name
        assert {side.status for side in sides} <= set(SHOWN)
        _check_listings(layout, page)


def _check_listings(layout: TableLayout, page: TablePage) -> None:
    titles = {listing.title for listing in layout.listings}
    assert len(titles) == len(layout.listings)
    found = {sheet.title: sheet for sheet in page.sheets if sheet.title in titles}
    assert set(found) == titles
    texts = {
        text.split(" ")[0]
        for sheet in found.values()
        for line in sheet.lines
        for text in line.texts
    }
    assert {item.text for item in listed(layout)} - {""} <= texts
