"""Relative links of the documentation lead somewhere, to the heading they name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import CHECKOUT, PAGES, anchors, links

LINKING = [*PAGES, *sorted((CHECKOUT / "leaderboards").glob("*.md"))]


@pytest.mark.parametrize("page", LINKING, ids=lambda page: page.relative_to(CHECKOUT).as_posix())
def test_relative_links_lead_to_a_file_and_a_heading(page: Path) -> None:
    lost = []
    for target, place in links(page):
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if not path.exists() or not path.is_relative_to(CHECKOUT):
            lost.append(f"{place}: {target}")
        elif anchor and anchor not in anchors(path):
            lost.append(f"{place}: {target}: no such heading")
    assert not lost, "\n".join(lost)


def test_links_are_found() -> None:
    assert sum(1 for page in PAGES for _ in links(page)) > 50


def test_every_page_is_reached_from_the_readme() -> None:
    """By links, over other pages: nobody reads a page that nothing leads to."""
    seen: set[Path] = set()
    waiting = [CHECKOUT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        waiting += [
            (page.parent / target.partition("#")[0]).resolve()
            for target, _ in links(page)
            if target.partition("#")[0]
        ]
    lost = [page.name for page in PAGES if page not in seen]
    assert not lost, f"no link leads to {lost}"
