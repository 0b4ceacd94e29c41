"""Back and Forward return to the part and to the height at which the reader left."""

import pytest

from tests.browser.test_report import ROWS, shown_view, wait_for

SETTLED = 250
"""Milliseconds after which a height is kept."""


def height(page):
    page.wait_for_timeout(SETTLED)
    return page.evaluate("scrollY")


def scroll_to(page, top):
    page.evaluate("top => scrollTo(0, top)", top)
    found = height(page)
    assert found > 0
    return found


def open_cell(page):
    """Follow the last value of the table; the height that the table had, and the cell's id."""
    link = page.locator(f"{ROWS} td a[href^='#cell-']").last
    before = scroll_to(page, 400)
    target = link.get_attribute("href")[1:]
    link.evaluate("link => link.click()")
    wait_for(page, target)
    return before, target


def test_a_note_read_on_the_way_does_not_change_where_back_leads(opened):
    page = opened("table-wide", width=600).page
    before, target = open_cell(page)
    page.locator(f"#{target} a.note").first.click()
    assert page.locator("#bubble").is_visible()
    page.go_back()
    wait_for(page, "table-wide")
    assert abs(height(page) - before) < 3


def test_a_link_opened_in_another_tab_does_not_change_where_back_leads(opened):
    page = opened("table-wide", width=600).page
    before, target = open_cell(page)
    page.evaluate(
        """() => {
            document.addEventListener("click", (event) => event.preventDefault(), { once: true });
            const click = { bubbles: true, cancelable: true, ctrlKey: true };
            document.querySelector("nav a[href='#figures']").dispatchEvent(
                new MouseEvent("click", click));
        }"""
    )
    assert shown_view(page) == [target]
    page.go_back()
    wait_for(page, "table-wide")
    assert abs(height(page) - before) < 3


@pytest.mark.parametrize("start", [0, 150])
def test_back_inside_one_part_returns_to_its_height(opened, start):
    page = opened("figures").page
    page.wait_for_function("[...document.images].every((image) => image.complete)")
    if start:
        start = scroll_to(page, start)
    page.locator(".jump a", has_text="Five").evaluate("link => link.click()")
    below = height(page)
    assert below > start + 100
    page.go_back()
    page.wait_for_function("location.hash === '#figures'")
    assert abs(height(page) - start) < 3
    page.go_forward()
    page.wait_for_function("location.hash === '#figure-five'")
    assert abs(height(page) - below) < 3


def test_a_link_begins_at_the_top_though_its_part_was_read_before(opened):
    page = opened("figures").page
    scroll_to(page, 300)
    for name in ("compare", "figures"):
        page.locator(f"nav.views a[href='#{name}']").evaluate("link => link.click()")
        wait_for(page, name)
    assert height(page) == 0


def test_back_over_the_skip_link_shows_the_part_that_was_read(opened):
    page = opened("table-small").page
    page.evaluate("location.hash = 'main'")
    page.wait_for_function("location.hash === '#main'")
    page.evaluate("location.hash = 'figures'")
    wait_for(page, "figures")
    page.go_back()
    wait_for(page, "table-small")
    assert shown_view(page) == ["table-small"]


def test_a_reload_keeps_the_height(opened):
    page = opened("figures").page
    before = scroll_to(page, 300)
    page.reload()
    assert abs(height(page) - before) < 3
