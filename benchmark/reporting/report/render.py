"""Prints a report: one HTML file that holds its style, its script and its data, and asks for none.

The Content-Security-Policy in its head names the hashes of the one style and the one script, so
that nothing else runs and nothing is fetched, whatever a record's texts hold.
"""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from benchmark.reporting.report.markup import (
    clean,
    inline,
    plain,
    script_json,
    shown,
    source_hash,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmark.reporting.report.grids import Column, Grid, GridCell
    from benchmark.reporting.report.model import Report

PACKAGE = "benchmark.reporting.report"


def render_report(report: Report) -> bytes:
    """The file's bytes: equal for equal reports."""
    style, script = static("report.css"), static("report.js")
    page = (
        _environment()
        .get_template("report.html")
        .render(
            report=report,
            style=style,
            script=script,
            policy=policy(style, script),
            data=script_json(report.comparisons.data),
        )
    )
    return page.encode("utf-8")


def policy(style: str, script: str) -> str:
    """The Content-Security-Policy of the page."""
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src {source_hash(style)}",
            f"script-src {source_hash(script)}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def static(name: str) -> str:
    """A style or script of the page.

    Raises:
        ValueError: It holds what would end its element.
    """
    text = resources.files(PACKAGE).joinpath("static", name).read_text(encoding="utf-8")
    if "</" in text or "<!--" in text:
        raise ValueError(f"{name} holds `</` or `<!--`, which may end its element.")
    return text


def _finalize(value: Any) -> Any:
    """Every printed text as it was written, without characters that HTML cannot hold."""
    return shown(clean(value)) if type(value) is str else value


def _columns_of(cells: Sequence[GridCell], grid: Grid) -> list[tuple[Column, GridCell]]:
    return list(zip(grid.columns, cells, strict=True))


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(PACKAGE, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_finalize,
    )
    environment.filters["inline"] = inline
    environment.filters["plain"] = plain
    environment.filters["columns_of"] = _columns_of
    return environment
