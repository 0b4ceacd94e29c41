"""Tables for the repository, and a copy of results that may be given away."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from benchmark.errors import UsageError
from benchmark.fingerprint import canonical_json
from benchmark.records import RECORD_FILE, read_record, to_dict, write_atomically
from benchmark.reporting.layout import read_layout
from benchmark.reporting.select import load_results
from benchmark.reporting.tables import write_tables

if TYPE_CHECKING:
    from pathlib import Path


def publish(
    records_root: Path,
    leaderboards_root: Path,
    *,
    profile: str = "demo",
) -> list[Path]:
    """Write `leaderboards/*.md` from the committed records, byte for byte reproducible.

    Args:
        records_root: `leaderboards/records`, shaped like a results folder.
        leaderboards_root: Folder with `tables/` and `published/`; the files go there.
        profile: Only this profile's records enter.

    Returns:
        One page, and its details, for each layout with a task that has a record.

    Raises:
        UsageError: There is no record, or one was not made from phantom data: only those may be
            committed.
    """
    results = load_results(records_root, profile)
    if not results:
        raise UsageError(
            f"There is no record of profile `{profile}` to publish.",
            looked_in=[records_root],
            remedy="Copy the cells' folders of a demo run there.",
        )
    for item in results:
        if not item.block.phantom:
            raise UsageError(
                "Only records of phantom data are published with the project.",
                looked_in=[item.folder],
                remedy="Remove that folder; use `tables` without `--publish` for your own data.",
            )
    tasks = {item.cell["task"] for item in results}
    paths = sorted((leaderboards_root / "tables").glob("*.toml"))
    names = [path.stem for path in paths if tasks & set(read_layout(path).tasks)]
    return write_tables(
        "",
        records_root,
        leaderboards_root,
        profile,
        tables=names,
        leaderboards=leaderboards_root,
        command="maco-bench tables --publish",
    )


def share_copy(results: Path, out: Path) -> list[Path]:
    """Copy the records without predictions and per-sample values.

    Metrics, intervals and provenance stay; ids, patients' hashes, truth and scores do not. The
    command line that made a record is left out too, since it may name folders of the machine.

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
    written = []
    for path in sorted(results.rglob(RECORD_FILE)):
        record = read_record(path)
        provenance = {key: value for key, value in record.provenance.items() if key != "command"}
        bare = dataclasses.replace(record, predictions={}, samples={}, provenance=provenance)
        target = out / path.relative_to(results)
        write_atomically(target, canonical_json(to_dict(bare)).encode() + b"\n")
        written.append(target)
    return written
