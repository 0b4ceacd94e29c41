"""`prepare`, `doctor` and `phantom`: data sets before any work."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from benchmark import registry
from benchmark.commands.options import add_data, names, settings_from
from benchmark.commands.output import hint, say
from benchmark.errors import MissingDataError, UsageError
from benchmark.phantom_cache import with_phantom
from benchmark.progress import Display
from benchmark.reader_options import reader_options
from benchmark.settings import Settings
from benchmark.specs import PhantomSize


def add(commands: Any) -> None:
    """Register the commands."""
    prepare = commands.add_parser("prepare", help="read a data set and build its image store")
    prepare.add_argument("dataset")
    add_data(prepare)
    prepare.set_defaults(handler=run_prepare)
    doctor = commands.add_parser("doctor", help="files, counts, unreadable images, overlaps")
    doctor.add_argument("dataset", nargs="?", help="default: all that are found")
    doctor.add_argument("--full", action="store_true", help="open every image, not a sample")
    add_data(doctor)
    doctor.set_defaults(handler=run_doctor)
    phantom = commands.add_parser("phantom", help="draw synthetic radiographs and reports")
    phantom.add_argument("folder", type=Path, metavar="DIR")
    phantom.add_argument(
        "--datasets", type=names, metavar="A,B", help="default: all that the phantom can hold"
    )
    phantom.add_argument("--cases", type=int, default=2000)
    phantom.add_argument("--size", type=int, default=224, help="longest side in pixels")
    phantom.add_argument("--seed", type=int, default=0)
    phantom.add_argument("--prevalence", choices=("real", "enriched"), default="real")
    phantom.add_argument("--jobs", type=int, default=1, help="processes; the result is the same")
    for name, what in _DIALS.items():
        phantom.add_argument(f"--{name.replace('_', '-')}", type=float, metavar="P", help=what)
    phantom.set_defaults(handler=run_phantom)


_DIALS = {
    "omission": "share of findings that a report leaves out",
    "hedging": "share of findings that a report hedges",
    "unchanged": "share of findings that a report calls unchanged",
    "label_noise": "share of labels that are flipped",
}


def run_prepare(arguments: argparse.Namespace) -> int:
    """Build the manifest and the store of one data set."""
    from benchmark.workshop import Workshop

    settings = settings_from(arguments)
    with Display(1, arguments.json) as display:
        settings = with_phantom(settings, display.callable("phantom"), [arguments.dataset])
        workshop = Workshop(settings)
        manifest = workshop.catalogue.manifest(arguments.dataset)
        side = registry.load_profile(settings.profile).store_size
        store = workshop.store(arguments.dataset, side, display.callable(arguments.dataset))
    facts = {
        "data_id": workshop.catalogue.data_id(arguments.dataset),
        "images": len(manifest),
        "patients": int(manifest.images["patient"].nunique()),
        "longest_side": side,
        "pixel_hash": store.pixel_hash,
        "store": str(store.folder),
    }
    say(json.dumps(facts) if arguments.json else "\n".join(f"{k}: {v}" for k, v in facts.items()))
    return 0


def run_doctor(arguments: argparse.Namespace) -> int:
    """Examine one data set, or all that are found. 1: something is wrong, 3: not found."""
    settings = settings_from(arguments)
    asked = [arguments.dataset] if arguments.dataset else registry.source_names()
    with Display(0, arguments.json) as display:
        settings = with_phantom(settings, display.callable("phantom"), asked)
    reports = []
    for name in asked:
        try:
            reports.append(_examine(name, settings, arguments.full))
        except MissingDataError as error:
            if arguments.dataset:
                raise
            hint(f"{name}: {error}")
    if arguments.json:
        say(json.dumps([report.as_json() for report in reports], indent=1))
    else:
        for report in reports:
            for line in report.lines():
                say(line)
            say()
    return 0 if all(report.healthy for report in reports) else 1


def _examine(name: str, settings: Settings, full: bool) -> Any:
    from benchmark.data.doctor import examine
    from benchmark.data.locate import find_root

    source = registry.load_source(name)
    root = find_root(source, settings.data_roots, settings.data_root)
    options = reader_options(name, settings.sources.get(name, {}))
    return examine(name, root, full=full, lists_root=settings.data_root, options=options)


def run_phantom(arguments: argparse.Namespace) -> int:
    """Draw a phantom into an empty folder."""
    from benchmark.phantom.datasets import dataset_names
    from benchmark.phantom.draw import draw_phantom

    if arguments.folder.exists() and any(arguments.folder.iterdir()):
        raise UsageError(
            "The folder is not empty.",
            looked_in=[arguments.folder],
            remedy="Name a new one: a phantom is never mixed with other files.",
        )
    size = PhantomSize(
        cases=arguments.cases,
        size=arguments.size,
        seed=arguments.seed,
        prevalence=arguments.prevalence,
    )
    chosen = {name: getattr(arguments, name) for name in _DIALS}
    dials = {name: value for name, value in chosen.items() if value is not None}
    with Display(1) as display:
        draw_phantom(
            arguments.folder,
            size,
            arguments.datasets or dataset_names(),
            workers=arguments.jobs,
            progress=display.callable("phantom"),
            **_dial_argument(dials),
        )
    say(f"wrote {arguments.folder}")
    return 0


def _dial_argument(dials: dict[str, float]) -> dict[str, Any]:
    if not dials:
        return {}
    from benchmark.phantom.reports import ReportDials

    return {"dials": ReportDials(**dials)}
