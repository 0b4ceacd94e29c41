"""Draws a whole phantom: every case in worker processes, then the tables, then one rename."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import shutil
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.errors import UsageError
from benchmark.phantom.allotment import FEWEST_CASES, allot
from benchmark.phantom.reports import ReportDials
from benchmark.phantom.version import PHANTOM_VERSION
from benchmark.phantom.writers import mimic_cxr, ms_cxr, nih_cxr14, rsna_pneumonia
from benchmark.phantom.writers.common import Case, Setting, Written, tree_checksum

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmark.interfaces import Progress
    from benchmark.specs import PhantomSize

MARK = "PHANTOM.json"
SMALLEST_SIDE = 64
CASES_IN_A_CHUNK = 8

_WRITE_CASE = {
    "mimic": mimic_cxr.write_case,
    "nih": nih_cxr14.write_case,
    "rsna": rsna_pneumonia.write_case,
}
_RULES = {
    "mimic": "labels are what the report mentions; JPEG, histogram-equalised, slightly cropped",
    "ms_cxr": "boxes in pixels of the JPEG; MS-CXR patients are those drawn with that profile",
    "nih": "boxes in the official 1024 x 1024 frame, only test images, no bilateral findings",
    "rsna": "positive = visible consolidation, pneumonia, infiltration or unspecific opacity; "
    "boxes in pixels of the DICOM; labels of test images stand in the lists alone",
    "test sets": "NIH and RSNA tests are enriched whatever the prevalence",
}


def draw_phantom(
    folder: Path,
    size: PhantomSize,
    workers: int = 2,
    progress: Progress | None = None,
    dials: ReportDials | None = None,
) -> None:
    """Draw a phantom and write it in the official layouts.

    The files depend on `size` and `dials` alone, not on the number of workers. They are drawn
    into a hidden neighbour of `folder`, which is renamed at the end: a run that is killed leaves
    no half phantom under that name.

    Args:
        folder: Absent or empty.
        size: Cases, side of the pictures in pixels, seed, prevalence.
        workers: Processes; 1 draws in this one.
        progress: Is told how many cases are done.
        dials: How reports and labels depart from the truth; the defaults of `ReportDials`.

    Raises:
        UsageError: If the folder holds something, or the size is too small.
    """
    folder = Path(folder)
    _check(folder, size)
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}.drawing-", dir=folder.parent))
    try:
        setting = Setting(unfinished, size.size, size.seed, dials or ReportDials())
        cases = allot(size)
        written = Written()
        for done, part in _in_order(cases, setting, workers):
            written.merge(part)
            if progress is not None:
                progress("drawing the phantom", done, len(cases))
        for writer in (mimic_cxr, ms_cxr, nih_cxr14, rsna_pneumonia):
            written.digests.update(writer.write_tables(written, setting).digests)
        mark = describe(size, setting, cases, written)
        text = json.dumps(mark, indent=2, sort_keys=True) + "\n"
        (unfinished / MARK).write_text(text, encoding="utf-8")
        unfinished.chmod(0o755)
        unfinished.replace(folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def describe(
    size: PhantomSize, setting: Setting, cases: Sequence[Case], written: Written
) -> dict[str, Any]:
    """Content of `PHANTOM.json`: parameters, rules, counts, and a checksum of all other files."""
    pairs = written.rows.get("ms_cxr", [])
    return {
        "phantom_version": PHANTOM_VERSION,
        "parameters": dataclasses.asdict(size),
        "dials": dataclasses.asdict(setting.dials),
        "image_rows": size.size,
        "image_columns": size.size,
        "rules": _RULES,
        "counts": {
            "cases": len(cases),
            "cases_by_population": dict(Counter(case.population for case in cases)),
            "mimic_images": len(written.rows.get("metadata", [])),
            "ms_cxr_boxes": len(pairs),
            "ms_cxr_pairs": len({(row[0], row[1], row[2]) for row in pairs}),
            "nih_images": len(written.rows.get("nih", [])),
            "nih_boxes": len(written.rows.get("nih_boxes", [])),
            "rsna_images": len(written.rows.get("rsna", [])),
        },
        "files": len(written.digests),
        "tree_sha256": tree_checksum(written.digests),
    }


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


def _in_order(
    cases: Sequence[Case], setting: Setting, workers: int
) -> Iterator[tuple[int, Written]]:
    """Number of finished cases and what was written, chunk by chunk in the order of the cases."""
    chunks = [
        cases[start : start + CASES_IN_A_CHUNK] for start in range(0, len(cases), CASES_IN_A_CHUNK)
    ]
    task = partial(_draw_chunk, setting)
    if workers <= 1:
        done = 0
        for chunk in chunks:
            done += len(chunk)
            yield done, task(chunk)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        try:
            done = 0
            for chunk, part in zip(chunks, pool.map(task, chunks), strict=True):
                done += len(chunk)
                yield done, part
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _draw_chunk(setting: Setting, cases: Sequence[Case]) -> Written:
    written = Written()
    for case in cases:
        written.merge(_WRITE_CASE[case.layout](case, setting))
    return written
