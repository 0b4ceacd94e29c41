"""`tables`: Markdown, CSV, LaTeX and JSON from records alone."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmark import registry
from benchmark.commands.options import add_data, names, settings_from
from benchmark.commands.output import hint, say
from benchmark.errors import UsageError
from benchmark.registry import CHECKOUT
from benchmark.settings import Settings

LEADERBOARDS = CHECKOUT / "leaderboards"


def add(commands: Any) -> None:
    """Register `tables`."""
    parser = commands.add_parser("tables", help="write tables from records")
    parser.add_argument("--suite", help="tables of one paper (default: maco)")
    parser.add_argument("--results", type=Path, metavar="DIR", help="folder of the records")
    parser.add_argument(
        "--corpus", metavar="NAME", help="show weights pre-trained on it (default: the suite's)"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: below the results")
    parser.add_argument(
        "--format",
        type=names,
        metavar="A,B",
        help="markdown, csv, latex, json (default: markdown)",
    )
    parser.add_argument(
        "--publish",
        action="store_true",
        help="write leaderboards/*.md from the committed records",
    )
    parser.add_argument(
        "--adopt",
        type=Path,
        metavar="DIR",
        help="with --publish: first take over the records of this results folder",
    )
    parser.add_argument(
        "--share", type=Path, metavar="DIR", help="copy records there without per-sample files"
    )
    add_data(parser)
    parser.set_defaults(handler=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the tables and say where."""
    settings = settings_from(arguments)
    if arguments.adopt is not None and not arguments.publish:
        raise UsageError("--adopt belongs to --publish.")
    if arguments.publish:
        from benchmark.reporting.publish import adopt, publish

        records = LEADERBOARDS / "records"
        if arguments.adopt is not None:
            adopt(arguments.adopt, records, LEADERBOARDS, profile=settings.profile)
        written = publish(records, LEADERBOARDS, profile=settings.profile)
    elif arguments.share is not None:
        from benchmark.reporting.publish import share_copy

        if arguments.share.exists() and any(arguments.share.iterdir()):
            raise UsageError("The folder to share is not empty.", looked_in=[arguments.share])
        written = share_copy(settings.results, arguments.share)
    else:
        written = suite_tables(settings, out=arguments.out, formats=arguments.format)
    if arguments.json:
        say(json.dumps([str(path) for path in written]))
    else:
        for path in written:
            say(f"wrote {path}")
    return 0


def suite_tables(
    settings: Settings,
    planned: Sequence[Any] | None = None,
    out: Path | None = None,
    formats: Sequence[str] | None = None,
) -> list[Path]:
    """Write the tables that a suite names.

    Args:
        settings: Suite, profile and results.
        planned: Cells of the run, to explain empty places.
        out: Folder for the files; by default below the results folder.
        formats: Of `benchmark.reporting.writers.WRITERS`; by default Markdown.
    """
    from benchmark.records import all_records
    from benchmark.reporting.tables import write_tables

    if planned is None and not all_records(settings.results, settings.profile):
        hint(
            f"no record of profile {settings.profile} lies below {settings.results}: "
            "the tables show published numbers alone"
        )
    suite = registry.load_suite(settings.suite)
    out = out or settings.results / "tables" / f"{settings.suite}-{settings.profile}"
    return write_tables(
        suite.name,
        settings.results,
        out,
        settings.profile,
        formats=formats or ("markdown",),
        tables=suite.tables or None,
        planned=planned,
        corpus=settings.corpus,
    )
