"""`figures`: pictures and curves from records and stored predictions."""

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
from benchmark.phantom_cache import with_phantom
from benchmark.progress import Display
from benchmark.settings import Settings

FORMATS = ("svg", "png")


def add(commands: Any) -> None:
    """Register `figures`."""
    parser = commands.add_parser("figures", help="draw figures from records and predictions")
    parser.add_argument("--suite", help="figures of one paper (default: maco)")
    parser.add_argument("--results", type=Path, metavar="DIR", help="folder of the records")
    parser.add_argument(
        "--corpus", metavar="NAME", help="show weights pre-trained on it (default: the suite's)"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: below the results")
    parser.add_argument(
        "--only", dest="kinds", type=names, default=(), metavar="A,B", help="such as roc,losses"
    )
    parser.add_argument(
        "--method", default="", metavar="NAME", help="stands first, chooses the pictures"
    )
    parser.add_argument("--format", choices=("pdf",), help="one more format beside SVG and PNG")
    parser.add_argument(
        "--with-images",
        action="store_true",
        help="show radiographs and phrases, of data sets that allow it",
    )
    add_data(parser)
    parser.set_defaults(handler=run)


def run(arguments: argparse.Namespace) -> int:
    """Draw, and say what was written and what was not."""
    from benchmark.reporting.figures import make_figures

    settings = settings_from(arguments)
    results = suite_results(settings)
    skipped: list[Any] = []
    with Display(0, arguments.json) as display:
        images = None
        if arguments.with_images:
            images = _radiographs(settings, results, display.callable("phantom"))
        made = make_figures(
            results,
            settings.results,
            settings.profile,
            out=arguments.out or default_folder(settings),
            suite=settings.suite,
            own=arguments.method,
            only=arguments.kinds,
            images=images,
            formats=(*FORMATS, arguments.format) if arguments.format else FORMATS,
            on_skipped=skipped.append,
        )
    if arguments.json:
        figures = [figure.plain() for figure in made]
        left = [{"kind": item.kind, "why": item.why} for item in skipped]
        say(json.dumps({"figures": figures, "skipped": left}, indent=1))
        return 0
    for item in skipped:
        hint(f"no figure: {item}")
    for figure in made:
        for path in figure.files.values():
            say(f"wrote {path}")
    return 0


def default_folder(settings: Settings) -> Path:
    """Where figures go when no folder is named."""
    return settings.results / "figures" / f"{settings.suite}-{settings.profile}"


def suite_results(settings: Settings) -> list[Any]:
    """The evaluation records of a suite's tasks and variants, of its corpus.

    Raises:
        UsageError: There is none.
    """
    from benchmark.reporting.corpora import of_corpus
    from benchmark.reporting.select import load_results

    suite = registry.load_suite(settings.suite)
    found, _ = of_corpus(
        load_results(settings.results, settings.profile), settings.corpus or suite.corpus
    )
    wanted = {
        (entry.task, entry.variant or next(iter(registry.load_task(entry.task).variants)))
        for entry in suite.entries
    }
    mine = [item for item in found if (item.cell["task"], item.cell["variant"]) in wanted]
    if not mine:
        raise UsageError(
            f"There is no record of profile `{settings.profile}` for the suite `{suite.name}`.",
            looked_in=[settings.results],
            remedy="Run it first (run_all.py), or name --results, --suite and --profile.",
        )
    return mine


def _radiographs(settings: Settings, results: Sequence[Any], progress: Any) -> Any:
    """A reader of the images that the records were made from; the phantom is drawn if need be."""
    from benchmark.catalogue import Catalogue
    from benchmark.reporting.figures.images import Radiographs
    from benchmark.reporting.figures.make import PICTURES

    kinds = {recipe for recipes in PICTURES.values() for recipe in recipes}
    shown = [item for item in results if item.record["recipe"]["kind"] in kinds]
    datasets = {str(item.record["data"]["dataset"]) for item in shown}
    catalogue = Catalogue(with_phantom(settings, progress, datasets))
    return Radiographs(catalogue.manifest)
