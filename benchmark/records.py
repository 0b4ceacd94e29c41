"""What a finished cell leaves: one JSON and its arrays. Strict on write and on read; atomic.

Order of writing: `predictions.npz`, `samples.npz`, then `record.json`. Each is written to a
neighbour file, flushed to the disk and renamed; the rename of `record.json` is the commit mark. A
process that dies before it leaves a cell that is not done; nothing is ever half a record.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.errors import BadRecordError
from benchmark.fingerprint import file_checksum, plain
from benchmark.interfaces import Metric
from benchmark.record_schema import SCHEMA, validate_fields
from benchmark.specs import Cell, Seeds

if TYPE_CHECKING:
    import numpy as np

WEIGHTS_FILE = "weights.pt"
RECORD_FILE = "record.json"
OLD_RECORD_FILE = "record.old.json"
FAILED_FILE = "failed.json"
PREDICTIONS_FILE = "predictions.npz"
SAMPLES_FILE = "samples.npz"
_MEASURED_TODAY = ("provenance", "timing")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Record:
    """One result; the fields are described in docs/architecture.md under Records.

    `provenance` and `timing` depend on the machine and the hour; all else is a function of the
    cell's key, so that a disturbed and an undisturbed run leave equal records
    (see `comparable`).
    """

    cell: Cell
    versions: Mapping[str, int]
    recipe: Mapping[str, Any]
    data: Mapping[str, Any]
    weights: Mapping[str, Any]
    options: Mapping[str, Any]
    metrics: Mapping[str, Metric]
    pretraining: Mapping[str, Any] = field(default_factory=dict)
    selection: Mapping[str, Any] = field(default_factory=dict)
    batch: Mapping[str, Any] = field(default_factory=dict)
    leaks: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    timing: Mapping[str, Any] = field(default_factory=dict)
    predictions: Mapping[str, str] = field(default_factory=dict)
    samples: Mapping[str, str] = field(default_factory=dict)
    schema: int = SCHEMA


_FIELDS = frozenset(item.name for item in dataclasses.fields(Record))


def to_dict(record: Record) -> dict[str, Any]:
    """The JSON form of a record, validated."""
    try:
        content: dict[str, Any] = plain(record)
    except TypeError as error:
        raise BadRecordError(f"The record of {record.cell.name} is not plain: {error}.") from error
    validate(content)
    return content


def from_dict(content: Any) -> Record:
    """A record from its JSON form.

    Raises:
        BadRecordError: The content violates the schema.
    """
    validate(content)
    cell = dict(content["cell"])
    cell["seeds"] = Seeds(**cell["seeds"])
    metrics = {}
    for name, value in content["metrics"].items():
        metrics[name] = _metric(value)
    return Record(**{**content, "cell": Cell(**cell), "metrics": metrics})


def validate(content: Any) -> None:
    """Refuse anything that is not a record: wrong types, unknown fields, NaN.

    Raises:
        BadRecordError: Names the first fault.
    """
    validate_fields(content, _FIELDS)


def _metric(content: Mapping[str, Any]) -> Metric:
    by_class = content["interval_per_class"].items()
    intervals = {name: tuple(value) if value else None for name, value in by_class}
    interval = tuple(content["interval"]) if content["interval"] else None
    return Metric(**{**content, "interval": interval, "interval_per_class": intervals})


def write_atomically(path: Path, content: bytes) -> None:
    """Write a neighbour file, flush it to the disk, rename it over `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    neighbour = path.with_name(f".{path.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        with neighbour.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        neighbour.replace(path)
    finally:
        neighbour.unlink(missing_ok=True)


def write_record(
    folder: Path,
    record: Record,
    predictions: Mapping[str, np.ndarray],
    per_sample: Mapping[str, np.ndarray] | None = None,
) -> Record:
    """Store a cell's arrays and then its record; the last rename commits.

    Returns:
        The record with the checksums of its arrays.
    """
    from benchmark.arrays import array_bytes

    entries: dict[str, Any] = {}
    for name, file, arrays in (
        ("predictions", PREDICTIONS_FILE, predictions),
        ("samples", SAMPLES_FILE, per_sample or {}),
    ):
        if arrays:
            write_atomically(folder / file, array_bytes(arrays))
            entries[name] = {"file": file, "checksum": file_checksum(folder / file)}
    record = dataclasses.replace(record, **entries)
    text = json.dumps(to_dict(record), indent=1, sort_keys=True, allow_nan=False)
    write_atomically(folder / RECORD_FILE, text.encode() + b"\n")
    (folder / FAILED_FILE).unlink(missing_ok=True)
    return record


def read_record(path: Path) -> Record:
    """A stored record.

    Args:
        path: The record's file, or the folder that holds it.

    Raises:
        BadRecordError: The file is not a valid record, or an array file is missing.
        FileNotFoundError: There is no record.
    """
    path = path / RECORD_FILE if path.is_dir() else path
    record = _parsed(path)
    for entry in (record.predictions, record.samples):
        if entry and not (path.parent / entry["file"]).is_file():
            raise BadRecordError(f"{path} names {entry['file']}, which is not beside it.")
    return record


def _parsed(path: Path) -> Record:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise BadRecordError(f"{path} is not JSON: {error}.") from error
    try:
        return from_dict(content)
    except BadRecordError as error:
        raise BadRecordError(f"{path}: {error.problem}") from error


def read_or_quarantine(path: Path) -> Record | None:
    """A stored record, or None; a malformed one is renamed to `record.json.bad`."""
    path = path / RECORD_FILE if path.is_dir() else path
    try:
        return read_record(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except BadRecordError as error:
        bad = path.with_name(path.name + ".bad")
        log.warning("%s It is set aside as %s and the cell runs again.", error, bad.name)
        path.replace(bad)
        return None


def all_records(results: Path, profile: str = "") -> list[tuple[Path, Record]]:
    """Every valid current record below a results folder, sorted by folder; nothing is changed.

    A record whose arrays were left behind (to save room, or not to share single samples) is read
    all the same, without them. A malformed one is passed over with a warning.

    Args:
        results: The folder given as `--results`.
        profile: Only this profile's.

    Returns:
        Pairs of the cell's folder and its record.
    """
    top = results / profile if profile else results
    if not top.is_dir():
        return []
    found = []
    for path in sorted(top.rglob(RECORD_FILE)):
        try:
            found.append((path.parent, _without_absent_arrays(_parsed(path), path.parent)))
        except BadRecordError as error:
            log.warning("%s It is not shown.", error)
    return found


def _without_absent_arrays(record: Record, folder: Path) -> Record:
    def kept(entry: Mapping[str, str]) -> Mapping[str, str]:
        return entry if entry and (folder / entry["file"]).is_file() else {}

    return dataclasses.replace(
        record, predictions=kept(record.predictions), samples=kept(record.samples)
    )


def read_arrays(folder: Path, entry: Mapping[str, str]) -> dict[str, np.ndarray]:
    """The arrays of `record.predictions` or `record.samples`.

    Raises:
        BadRecordError: The file's bytes are not those that the record was made from.
    """
    from benchmark.arrays import read_array_file

    if not entry:
        return {}
    path = folder / entry["file"]
    if file_checksum(path) != entry["checksum"]:
        raise BadRecordError(
            f"{path} was changed after its record was written.",
            remedy="Delete the cell's folder and run it again.",
        )
    return read_array_file(path)


def comparable(record: Record) -> dict[str, Any]:
    """A record without what depends on the machine and the hour, for tests of equality."""
    content = to_dict(record)
    return {name: value for name, value in content.items() if name not in _MEASURED_TODAY}


def weights_file(at_percent: int) -> str:
    """Name of the weights that a pre-training leaves at a percent of its budget."""
    return WEIGHTS_FILE if at_percent == 100 else f"weights-{at_percent}.pt"


def kept_checksum(record: Record, at_percent: int) -> str:
    """Checksum of those weights, as the pre-training's record has it; empty where it has none."""
    if at_percent == 100:
        return str(record.weights["checksum"])
    return str(record.facts.get("snapshots", {}).get(str(at_percent), ""))
