"""What the converters of the small real sets share."""

from __future__ import annotations

import argparse
import csv
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

VARIABLE = "MACO_BENCH_REAL_DATA"
REPOSITORY = Path(__file__).resolve().parents[2]


def real_root() -> Path | None:
    """The folder of the real material, or None where the variable is unset."""
    value = os.environ.get(VARIABLE, "")
    return Path(value) if value else None


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write_rows(path: Path, header: list[str], rows: Iterable[Iterable[object]]) -> None:
    """A CSV with line feeds as line ends."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def link_to(target: Path, link: Path) -> None:
    """A symbolic link, in place of an older one."""
    link.unlink(missing_ok=True)
    link.symlink_to(target.resolve())


def main(converters: Mapping[str, Callable[[Path, Path], Path]]) -> None:
    """Convert the sets that the command line names into its DEST."""
    parser = argparse.ArgumentParser(description="Convert small real sets.")
    parser.add_argument("sources", nargs="+", choices=[*converters, "all"])
    parser.add_argument("dest", type=Path)
    arguments = parser.parse_args()
    real = real_root()
    if real is None:
        parser.error(f"set {VARIABLE} to the folder of the real sets")
    if arguments.dest.resolve().is_relative_to(REPOSITORY):
        parser.error("DEST must lie outside this repository")
    names = list(converters) if "all" in arguments.sources else arguments.sources
    for name in names:
        print(converters[name](real, arguments.dest))
