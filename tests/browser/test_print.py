"""The report on paper: whole tables, dark text, and nothing that only a screen can use."""

import pytest

from tests.browser.test_report import CONTRAST, VIEWS, WIDE, cells_of, ground, wait_for

CUT = """width => [...document.querySelectorAll('.view:not([hidden]) table')]
    .filter((table) => table.checkVisibility() && table.getBoundingClientRect().right > width + 1)
    .map((table) => table.closest('.grid').id)"""
ARROWS = """[...document.querySelectorAll('.view:not([hidden]) th button')]
    .map((button) => getComputedStyle(button, '::after').content)"""


@pytest.mark.parametrize("width", [700, 1030])
def test_no_table_is_wider_than_the_sheet(opened, width):
    one = opened(width=width)
    one.page.emulate_media(media="print")
    for place in (*VIEWS, *cells_of(one.page)[:3]):
        page = one.go(place)
        wait_for(page, place)
        page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true; })")
        assert page.evaluate(CUT, width) == [], place


def test_a_part_with_tables_lies_on_its_side(opened):
    page = opened("table-wide").page
    page.emulate_media(media="print")
    sheet = "getComputedStyle(document.body).page"
    assert page.evaluate(sheet) == "wide"
    page.evaluate("location.hash = 'figures'")
    wait_for(page, "figures")
    assert page.evaluate(sheet) == "auto"


def test_the_arrows_of_sorted_columns_stay_on_the_screen(opened):
    page = opened("table-wide").page
    page.locator(f"{WIDE} th[data-column='2'] button").click()
    page.locator(f"{WIDE} th[data-column='2'] button").click()
    assert any("↑" in arrow for arrow in page.evaluate(ARROWS))
    page.emulate_media(media="print")
    assert set(page.evaluate(ARROWS)) == {"none"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_dark_page_is_dark_text_on_paper(opened, scheme):
    light = ground(opened("table-wide", color_scheme="light").page)
    page = opened("table-wide", color_scheme=scheme).page
    button = page.get_by_role("button", name="Theme")
    while button.inner_text() != "Theme: dark":
        button.click()
    assert ground(page) != light
    page.emulate_media(media="print", color_scheme=scheme)
    assert ground(page) == light
    assert page.evaluate(CONTRAST) == []
