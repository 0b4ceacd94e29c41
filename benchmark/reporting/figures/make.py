"""Draws and writes the figures that records feed."""

from __future__ import annotations

from collections import Counter
from importlib import import_module
from typing import TYPE_CHECKING

from benchmark.errors import unknown_name
from benchmark.records import write_atomically
from benchmark.registry import CHECKOUT
from benchmark.reporting.figures import canvas, detection, grounding, segmentation
from benchmark.reporting.figures.history import training_group
from benchmark.reporting.figures.images import refuse_unshowable
from benchmark.reporting.figures.material import Material, pretraining_records
from benchmark.reporting.figures.methods import methods_of, own_method
from benchmark.reporting.figures.model import Drawing, MadeFigure, SkippedFigure
from benchmark.reporting.layout import read_layouts, suite_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from benchmark.reporting.figures.images import Radiographs
    from benchmark.reporting.layout import TableLayout
    from benchmark.reporting.select import Result

LEADERBOARDS = CHECKOUT / "leaderboards"
FIGURES = (
    "losses",
    "weight_maps",
    "label_efficiency",
    "roc",
    "grounding",
    "temperature",
    "segmentation",
    "detection",
)
"""Kinds of figures; each is a module of this package that offers `drawings(material)`."""

PICTURES = {
    "grounding": grounding.RECIPES,
    "segmentation": segmentation.RECIPES,
    "detection": detection.RECIPES,
}
"""Kinds that show radiographs where they are asked for, with the recipes that feed them."""


def make_figures(
    results: Sequence[Result],
    folder: Path,
    profile: str,
    *,
    out: Path,
    suite: str = "",
    own: str = "",
    only: Sequence[str] = (),
    images: Radiographs | None = None,
    lenient: bool = False,
    formats: Sequence[str] = ("svg", "png"),
    leaderboards: Path = LEADERBOARDS,
    on_skipped: Callable[[SkippedFigure], None] | None = None,
) -> list[MadeFigure]:
    """Write every figure that the records feed, with a caption beside each.

    Args:
        results: Evaluation records, as `select.load_results` gives them.
        folder: The results folder; pre-training histories are looked for below it.
        profile: Of the records.
        out: Folder for the files.
        suite: Orders and names the methods as its tables do; empty takes all tables.
        own: Baseline that stands first and chooses the pictures; empty is the suite's.
        only: Kinds; empty makes all of `FIGURES`.
        images: Gives radiographs and phrases; None shows none. Those of a data set that forbids
            it are never shown.
        lenient: Draw such a data set without images in place of raising.
        formats: Of `canvas.FORMATS`.
        leaderboards: Folder with `tables/` and `suites/`.
        on_skipped: Told of every figure that no record feeds.

    Returns:
        What was written, in the order of `FIGURES`.

    Raises:
        UsageError: An unknown kind, format or suite, or images of a data set that forbids it.
        BadRecordError: Stored arrays were changed after their record was written.
    """
    for kind in only:
        if kind not in FIGURES:
            raise unknown_name("figure", kind, FIGURES)
    for form in formats:
        if form not in canvas.FORMATS:
            raise unknown_name("format of a figure", form, canvas.FORMATS)
    material = material_of(
        results, folder, profile, suite=suite, own=own, images=images, leaderboards=leaderboards
    )
    if images is not None and not lenient:
        refuse_unshowable(_pictured(material, only or FIGURES))
    made: list[MadeFigure] = []
    for kind in FIGURES:
        if only and kind not in only:
            continue
        for found in _found(kind, material):
            if isinstance(found, SkippedFigure):
                if on_skipped is not None:
                    on_skipped(found)
            else:
                made.append(_written(kind, found, _name(kind, found, material), out, formats))
    return made


def material_of(
    results: Sequence[Result],
    folder: Path,
    profile: str,
    *,
    suite: str = "",
    own: str = "",
    images: Radiographs | None = None,
    leaderboards: Path = LEADERBOARDS,
) -> Material:
    """Records with their methods in order; the arguments are those of `make_figures`."""
    layouts = _layouts(leaderboards, suite)
    own = own or own_method(suite)
    pretraining = pretraining_records(folder, profile, results)
    references = (column.excess_over for layout in layouts for column in layout.columns)
    return Material(
        results=tuple(results),
        pretraining=pretraining,
        methods=methods_of((item.group for item in results), layouts, own),
        pretrained=methods_of((training_group(item) for item in pretraining), layouts, own),
        profile=profile,
        own=own,
        reference=next((name for name in references if name), ""),
        images=images,
    )


def _layouts(leaderboards: Path, suite: str) -> list[TableLayout]:
    """The suite's tables first, then all others: a guest of the suite has its title there."""
    others = sorted(path.stem for path in (leaderboards / "tables").glob("*.toml"))
    named = suite_tables(leaderboards, suite) if suite else ()
    return read_layouts(leaderboards, [*named, *others])


def _pictured(material: Material, kinds: Sequence[str]) -> list[Result]:
    """The records whose images the figures of some kinds would show."""
    found = []
    for kind in kinds:
        blocks = set(material.blocks(*PICTURES.get(kind, ())))
        found += [item for item in material.results if item.block in blocks]
    return found


def _found(kind: str, material: Material) -> Iterator[Drawing | SkippedFigure]:
    module = import_module(f"benchmark.reporting.figures.{kind}")
    drawings: Iterator[Drawing | SkippedFigure] = module.drawings(material)
    return drawings


def _name(kind: str, drawing: Drawing, material: Material) -> str:
    """Stem of the files; it holds the data only where two states of them are at hand."""
    if drawing.block is None:
        return f"{kind}-phantom" if drawing.phantom else kind
    block = drawing.block
    name = f"{kind}-{block.task}@{block.variant}"
    blocks = {item.block for item in (*material.results, *material.pretraining)}
    states = Counter((one.task, one.variant) for one in blocks)
    return f"{name}-{block.data_id}" if states[block.task, block.variant] > 1 else name


def _written(
    kind: str, drawing: Drawing, name: str, out: Path, formats: Sequence[str]
) -> MadeFigure:
    with canvas.style():
        figure = drawing.draw()
        content = {form: canvas.figure_bytes(figure, form) for form in formats}
    files = {form: out / f"{name}.{form}" for form in content}
    for form, path in files.items():
        write_atomically(path, content[form])
    text = out / f"{name}.txt"
    write_atomically(text, f"{drawing.title}\n\n{drawing.caption}\n".encode())
    block = drawing.block
    return MadeFigure(
        kind=kind,
        name=name,
        title=drawing.title,
        caption=drawing.caption,
        task=block.task if block else "",
        variant=block.variant if block else "",
        data_id=block.data_id if block else "",
        files=files,
        text=text,
        keys=drawing.keys,
        phantom=drawing.phantom,
        shows_images=drawing.shows_images,
    )
