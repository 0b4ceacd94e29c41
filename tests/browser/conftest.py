"""A report of hand-made records in Debian's chromium; the browser never meets a network."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.report_file import write_report

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium_path() -> str:
    """The browser's program; without one the test is skipped, but fails in CI."""
    path = shutil.which("chromium")
    if path is None:
        why = "chromium is not installed (apt-get install chromium): the report is not tested"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    return path


@pytest.fixture(scope="session")
def report_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report as a file."""
    return write_report(tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One browser with a new, empty profile."""
    path = chromium_path()
    if os.environ.get("CI") != "true":
        pytest.importorskip("playwright")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


class Opened:
    """A page of the report, and all that it asked for and complained of."""

    def __init__(self, page: Any, file: Path) -> None:
        self.page = page
        self.file = file
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        page.on("console", self._heard)

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def go(self, place: str = "") -> Any:
        """Open the file at `#place`."""
        self.page.goto(self.file.as_uri() + (f"#{place}" if place else ""))
        return self.page

    def check(self) -> None:
        """No complaint, and no request but for the file itself and for what it holds."""
        assert self.complaints == []
        for url in self.requests:
            assert url.startswith("data:") or url.partition("#")[0] == self.file.as_uri(), url


@pytest.fixture
def opened(browser: Any, report_file: Path) -> Iterator[Callable[..., Opened]]:
    """Opens the report; every page must end without a complaint or a request to elsewhere."""
    made: list[tuple[Any, Opened]] = []

    def open_report(place: str = "", width: int = 1280, **options: Any) -> Opened:
        context = browser.new_context(viewport={"width": width, "height": 800}, **options)
        one = Opened(context.new_page(), report_file)
        made.append((context, one))
        one.go(place)
        return one

    yield open_report
    for context, one in made:
        one.check()
        context.close()
