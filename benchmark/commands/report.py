"""`report`: one static HTML file with tables, records, comparisons and figures."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from benchmark import registry
from benchmark.commands.options import add_data, settings_from
from benchmark.commands.output import say
from benchmark.errors import unknown_name
from benchmark.phantom_cache import with_phantom
from benchmark.progress import Display
from benchmark.settings import Settings


def add(commands: Any) -> None:
    """Register `report`."""
    parser = commands.add_parser(
        "report",
        help="write one HTML file with tables, records, comparisons and figures",
        description="Writes one self-contained HTML file from records. It opens from disk and "
        "fetches nothing.",
    )
    parser.add_argument(
        "--suite",
        dest="suites",
        nargs="+",
        default=(),
        metavar="S",
        help="one or several (default: every suite with a record)",
    )
    parser.add_argument("--results", type=Path, metavar="DIR", help="folder of the records")
    parser.add_argument(
        "--corpus", metavar="NAME", help="show weights pre-trained on it (default: the suite's)"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="default: below the results")
    parser.add_argument(
        "--with-images",
        action="store_true",
        help="show radiographs and phrases, of data sets that allow it",
    )
    parser.add_argument(
        "--figures",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="draw and embed figures (default: yes)",
    )
    add_data(parser)
    parser.set_defaults(handler=run)


def run(arguments: argparse.Namespace) -> int:
    """Make the report and say where it is."""
    from benchmark.records import write_atomically
    from benchmark.reporting.report.make import Asked, make_report
    from benchmark.reporting.report.render import render_report

    settings = settings_from(arguments)
    for name in arguments.suites:
        if name not in registry.suite_names():
            raise unknown_name("suite", name, registry.suite_names())
    with Display(0, arguments.json) as display:
        tell = display.callable("report")
        asked = Asked(
            suites=tuple(dict.fromkeys(arguments.suites)),
            corpus=settings.corpus,
            command=command_line(arguments, settings),
            figures=arguments.figures,
            images=_radiographs(settings, tell) if arguments.with_images else None,
        )
        report = make_report(settings.results, settings.profile, asked, tell)
        content = render_report(report)
    path = arguments.out or settings.results / f"report-{settings.profile}.html"
    write_atomically(path, content)
    broken = [table.name for table in report.tables if table.broken]
    if arguments.json:
        counts = {
            "file": str(path),
            "bytes": len(content),
            "suites": [suite.name for suite in report.suites],
            "tables": len(report.tables),
            "broken": broken,
            "records": len(report.records),
            "figures": len(report.figures),
        }
        say(json.dumps(counts, indent=1))
        return 0
    say(
        f"wrote {path}: {len(report.tables)} tables ({len(broken)} broken), "
        f"{len(report.records)} records, {len(report.figures)} figures, "
        f"{len(content) / 1e6:.1f} MB"
    )
    return 0


def command_line(arguments: argparse.Namespace, settings: Settings) -> str:
    """The command that makes this report again, without folders of the machine."""
    parts = ["maco-bench report"]
    if arguments.suites:
        parts.append("--suite " + " ".join(dict.fromkeys(arguments.suites)))
    parts.append(f"--profile {settings.profile}")
    if settings.corpus:
        parts.append(f"--corpus {settings.corpus}")
    if arguments.with_images:
        parts.append("--with-images")
    if not arguments.figures:
        parts.append("--no-figures")
    return " ".join(parts)


def _radiographs(settings: Settings, tell: Any) -> Any:
    """A reader of the images that the records were made from; the phantom is drawn if need be."""
    from benchmark.catalogue import Catalogue
    from benchmark.reporting.figures.images import Radiographs
    from benchmark.reporting.select import load_results

    found = load_results(settings.results, settings.profile)
    datasets = {str(item.record["data"]["dataset"]) for item in found}
    return Radiographs(Catalogue(with_phantom(settings, tell, datasets)).manifest)
