"""Tables for the repository, and copies of results that may be committed or given away."""

from __future__ import annotations

import dataclasses
import itertools
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.errors import UsageError
from benchmark.fingerprint import canonical_json
from benchmark.outside_names import folder_name, short_name
from benchmark.records import RECORD_FILE, all_records, to_dict, write_atomically
from benchmark.reporting.layout import read_layout
from benchmark.reporting.markdown import bullets, document
from benchmark.reporting.select import load_results
from benchmark.reporting.tables import table_pages
from benchmark.reporting.writers import WRITERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmark.records import Record
    from benchmark.reporting.layout import TableLayout
    from benchmark.reporting.model import TablePage

COMMAND = "maco-bench tables --publish"
INDEX = "TABLES.md"


def publish(
    records_root: Path,
    leaderboards_root: Path,
    *,
    profile: str = "demo",
    out: Path | None = None,
) -> list[Path]:
    """Write `leaderboards/*.md` from the committed records, byte for byte reproducible.

    Args:
        records_root: `leaderboards/records`, shaped like a results folder.
        leaderboards_root: Folder with `tables/` and `published/`.
        profile: Only this profile's records enter.
        out: Where the files go; by default to `leaderboards_root`.

    Returns:
        One page, and its details, for each layout, and a list of them. A layout whose tasks have
        no record shows what its paper prints.

    Raises:
        UsageError: There is no record, or one was not made from phantom data: only those may be
            committed.
    """
    results = load_results(records_root, profile)
    if not results:
        raise UsageError(
            f"There is no record of profile `{profile}` to publish.",
            looked_in=[records_root],
            remedy=f"Make a demo run, then: {COMMAND} --adopt RESULTS.",
        )
    for item in results:
        _require_phantom(item.block.data_id, item.folder)
    pages = table_pages(
        "",
        records_root,
        profile,
        tables=[layout.name for layout in _layouts(leaderboards_root)],
        leaderboards=leaderboards_root,
        command=COMMAND,
        found=results,
    )
    files = {INDEX: _index(pages, profile)}
    for page in pages:
        files |= WRITERS["markdown"](page)
    out = out or leaderboards_root
    for name, content in files.items():
        write_atomically(out / name, content.encode())
    return [out / name for name in files]


def _layouts(leaderboards_root: Path) -> list[TableLayout]:
    return [read_layout(path) for path in sorted((leaderboards_root / "tables").glob("*.toml"))]


def _index(pages: Sequence[TablePage], profile: str) -> str:
    """The list of the pages, by paper."""
    by_paper: dict[str, list[str]] = {}
    for page in pages:
        origin = f"{page.paper_table}: " if page.paper_table else ""
        entry = f"[{origin}{page.title}]({page.name}.md)"
        by_paper.setdefault(page.paper or "Others", []).append(entry)
    parts = [
        "# Tables",
        f"<!-- Generated. Command: {COMMAND} -->",
        f"Made from the records of the {profile} run on phantom data, beside the papers' numbers.",
    ]
    for paper, entries in by_paper.items():
        parts += [f"## {paper}", bullets(entries)]
    return document(parts)


def adopt(
    results: Path, records_root: Path, leaderboards_root: Path, *, profile: str = "demo"
) -> list[Path]:
    """Take the records of a results folder into the repository, in place of those of the profile.

    Predictions stay behind, and per-sample values where no table makes a paired difference from
    them: a repository holds what its tables are made from.

    Args:
        results: A results folder of phantom data.
        records_root: `leaderboards/records`.
        leaderboards_root: Folder with `tables/`.
        profile: Only this profile's records.

    Raises:
        UsageError: There is no record, or one was not made from phantom data.
    """
    found = [item for item in all_records(results, profile) if item[1].cell.kind == "evaluate"]
    if not found:
        raise UsageError(
            f"There is no record of profile `{profile}` to take over.", looked_in=[results]
        )
    for folder, record in found:
        _require_phantom(record.cell.data_id, folder)
    if results.resolve() == records_root.resolve():
        raise UsageError("The records are those of the repository already.", looked_in=[results])
    paired = _paired(_layouts(leaderboards_root))
    names = _shared_names(record for _, record in found)
    shutil.rmtree(records_root / profile, ignore_errors=True)
    written = []
    for folder, record in found:
        named = (record.cell.task, record.cell.variant)
        kept = record.samples if named in paired or (named[0], "") in paired else {}
        target = records_root / _place(folder, results, record, names)
        if kept:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / kept["file"], target / kept["file"])
        written.append(_write_bare(_renamed(record, names), target, kept))
    return written


def _paired(layouts: Iterable[TableLayout]) -> set[tuple[str, str]]:
    """Tasks and variants (empty for any) of which a table makes paired differences."""
    return {
        (column.task, variant)
        for layout in layouts
        for column in layout.columns
        if column.excess_over or layout.ablation
        for variant in column.variants or ("",)
    }


def _require_phantom(data_id: str, folder: Path) -> None:
    if "phantom" not in data_id:
        raise UsageError(
            "Only records of phantom data are published with the project.",
            looked_in=[folder],
            remedy="Remove that folder; use `tables` without `--publish` for your own data.",
        )


def share_copy(results: Path, out: Path) -> list[Path]:
    """Copy the records without predictions and per-sample values.

    Metrics, intervals and provenance stay; ids, patients' hashes, truth and scores do not. What
    may name folders of the machine is left out too: the command line that made a record, and the
    folders in the name of an outside encoder.

    Args:
        results: A results folder.
        out: An absent or empty folder.

    Returns:
        The written records.

    Raises:
        UsageError: `out` holds something, or lies inside `results`.
    """
    if out.resolve().is_relative_to(results.resolve()):
        raise UsageError("A copy for sharing must lie outside the results.", looked_in=[out])
    if out.is_dir() and any(out.iterdir()):
        raise UsageError(
            "The folder for the copy is not empty.", looked_in=[out], remedy="Name an empty one."
        )
    found = all_records(results)
    names = _shared_names(record for _, record in found)
    return [
        _write_bare(_renamed(record, names), out / _place(folder, results, record, names), {})
        for folder, record in found
    ]


def _shared_names(records: Iterable[Record]) -> dict[tuple[str, str], str]:
    """Name in the copy by baseline and weights: without folders, and one for each that was.

    Different weights tell two encoders of one short name apart, as they do in a table; with the
    same weights the second gets a number.
    """
    names: dict[tuple[str, str], str] = {}
    for baseline, weights in sorted({(item.cell.baseline, item.cell.weights) for item in records}):
        short = short_name(baseline)
        taken = {name for (_, other), name in names.items() if other == weights}
        numbered = (f"{short}-{number}" for number in itertools.count(2))
        names[baseline, weights] = next(
            name for name in itertools.chain([short], numbered) if name not in taken
        )
    return names


def _renamed(record: Record, names: Mapping[tuple[str, str], str]) -> Record:
    name = names[record.cell.baseline, record.cell.weights]
    return dataclasses.replace(record, cell=dataclasses.replace(record.cell, baseline=name))


def _place(
    folder: Path, results: Path, record: Record, names: Mapping[tuple[str, str], str]
) -> Path:
    """The folder of a record in the copy, below its top."""
    old = record.cell.baseline
    new = names[old, record.cell.weights]
    parts = folder.relative_to(results).parts
    return Path(*(folder_name(new) if part == folder_name(old) else part for part in parts))


def _write_bare(record: Record, folder: Path, samples: Mapping[str, str]) -> Path:
    """A record without its predictions and the command line that made it."""
    provenance = {key: value for key, value in record.provenance.items() if key != "command"}
    bare = dataclasses.replace(record, predictions={}, samples=samples, provenance=provenance)
    path = folder / RECORD_FILE
    write_atomically(path, canonical_json(to_dict(bare)).encode() + b"\n")
    return path
