"""`audit`: what the published split lists have in common, from the lists alone."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from benchmark.commands.output import say
from benchmark.settings import make_settings


def add(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "audit",
        help="published split lists: shared images and patients",
        description="Counts what published split lists share: inside a data set, across tasks "
        "and data sets, and with the data sets that their images come from. No image is opened.",
    )
    parser.add_argument(
        "--lists", type=Path, metavar="DIR", help="folder of the lists (splits_maco)"
    )
    parser.add_argument(
        "--data-root", type=Path, metavar="DIR", help="folder of the data sets, for their tables"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="default: maco-bench.toml")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="machine-readable output")
    form.add_argument("--markdown", action="store_true", help="headings and tables of Markdown")
    parser.set_defaults(handler=run_audit)


def run_audit(arguments: argparse.Namespace) -> int:
    """Read every list and print what was found. 2: no list is there."""
    from benchmark.data.audit import audit
    from benchmark.data.audit_places import Places, find_lists_folder
    from benchmark.data.audit_text import render

    settings = make_settings({"data_root": arguments.data_root}, arguments.config)
    folder = find_lists_folder(arguments.lists, settings.data_root, settings.data_roots)
    report = audit(Places(folder, settings.data_roots, settings.data_root))
    if arguments.json:
        say(json.dumps(report.as_json(), indent=1))
    else:
        say(render(report, arguments.markdown))
    return 0
