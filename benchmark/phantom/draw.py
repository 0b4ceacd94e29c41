"""Draws a whole phantom: every case in worker processes, then the tables, then one rename."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import tempfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark import registry
from benchmark.errors import UsageError
from benchmark.phantom.allotment import FEWEST_CASES
from benchmark.phantom.datasets import chosen
from benchmark.phantom.mark import CORE_PART, MARK, Part, describe, part_writer
from benchmark.phantom.reports import ReportDials
from benchmark.phantom.writers.common import Case, Setting, Written

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from benchmark.interfaces import Progress
    from benchmark.specs import PhantomSize

SMALLEST_SIDE = 64
CASES_IN_A_CHUNK = 8


def draw_phantom(
    folder: Path,
    size: PhantomSize,
    datasets: Iterable[str] | None = None,
    workers: int = 2,
    progress: Progress | None = None,
    dials: ReportDials | None = None,
) -> None:
    """Draw a phantom and write it in the official layouts.

    The files of a data set depend on `size` and `dials` alone, neither on the number of workers
    nor on the other data sets. They are drawn into a hidden neighbour of `folder`, which is
    renamed at the end: a run that is killed leaves no half phantom under that name.

    Args:
        folder: Absent or empty.
        size: Cases, side of the pictures in pixels, seed, prevalence. A further data set has a
            share of that number of cases of its own.
        datasets: Names from `benchmark.phantom.datasets.dataset_names`; one of the core stands
            for all four of it. None is the core alone.
        workers: Processes; 1 draws in this one.
        progress: Is told how many cases are done.
        dials: How reports and labels depart from the truth; the defaults of `ReportDials`.

    Raises:
        UsageError: If the folder holds something, the size is too small, or no data set has
            such a name.
    """
    folder = Path(folder)
    with_core, further = chosen(datasets)
    _check(folder, size)
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}.drawing-", dir=folder.parent))
    try:
        setting = Setting(unfinished, size.size, size.seed, dials or ReportDials())
        names = [CORE_PART] * with_core + further
        parts = {name: Part(part_writer(name).cases(size)) for name in names}
        _draw_parts(parts, setting, workers, progress)
        text = json.dumps(describe(size, setting, parts), indent=2, sort_keys=True) + "\n"
        (unfinished / MARK).write_text(text, encoding="utf-8")
        unfinished.chmod(0o755)
        unfinished.replace(folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def _check(folder: Path, size: PhantomSize) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            "A phantom is drawn into a new or empty folder only.",
            looked_in=[folder],
            remedy="Name another folder, or remove what lies there.",
        )
    if size.cases < FEWEST_CASES or size.size < SMALLEST_SIDE:
        raise UsageError(
            f"A phantom of {size.cases} cases at {size.size} px is too small.",
            remedy=f"At least {FEWEST_CASES} cases of {SMALLEST_SIDE} px are needed.",
        )


def _draw_parts(
    parts: Mapping[str, Part], setting: Setting, workers: int, progress: Progress | None
) -> None:
    """Write the cases of all parts, then the tables of each from its own rows."""
    total, done = sum(len(part.cases) for part in parts.values()), 0
    for name, count, written in _in_order(parts, setting, workers):
        parts[name].written.merge(written)
        done += count
        if progress is not None:
            progress("drawing the phantom", done, total)
    for name, part in parts.items():
        part.written.merge(part_writer(name).write_tables(part.written, setting))


def _in_order(
    parts: Mapping[str, Part], setting: Setting, workers: int
) -> Iterator[tuple[str, int, Written]]:
    """Part, number of cases and what was written, chunk by chunk in the order of the cases."""
    chunks = [
        (name, part.cases[start : start + CASES_IN_A_CHUNK])
        for name, part in parts.items()
        for start in range(0, len(part.cases), CASES_IN_A_CHUNK)
    ]
    task = partial(_draw_chunk, setting)
    if workers <= 1:
        for name, cases in chunks:
            yield name, len(cases), task((name, cases))
        return
    context = multiprocessing.get_context("spawn")
    roots = [root for root in registry.search_roots() if root != registry.CHECKOUT]
    with ProcessPoolExecutor(
        workers, mp_context=context, initializer=_search_in, initargs=(roots,)
    ) as pool:
        try:
            for (name, cases), written in zip(chunks, pool.map(task, chunks), strict=True):
                yield name, len(cases), written
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _search_in(roots: Sequence[Path]) -> None:
    """Find writers where the calling process finds them."""
    for root in reversed(roots):
        registry.add_search_root(root)


def _draw_chunk(setting: Setting, chunk: tuple[str, Sequence[Case]]) -> Written:
    name, cases = chunk
    writer, written = part_writer(name), Written()
    for case in cases:
        written.merge(writer.write_case(case, setting))
    return written
