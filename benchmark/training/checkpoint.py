"""Resumable state on the disk: whole or absent, never half."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import torch

from benchmark.errors import BadDataError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAME = "checkpoint.pt"
"""File in a cell's folder while its training runs."""


def save_atomically(path: Path, content: Mapping[str, Any]) -> None:
    """Write with `torch.save` to a temporary file, flush it to the disk, rename it.

    A process that is killed at any moment leaves the former file or the new one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as stream:
            torch.save(dict(content), stream)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _flush_folder(path.parent)


def load_last(path: Path) -> dict[str, Any] | None:
    """The stored state on the CPU, or None where there is none; leftovers of a kill are removed.

    Raises:
        BadDataError: The file exists and cannot be read.
    """
    for leftover in path.parent.glob(f"{path.name}.*.tmp"):
        leftover.unlink(missing_ok=True)
    if not path.exists():
        return None
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise BadDataError(
            f"The checkpoint {path.name} cannot be read ({error}).",
            looked_in=[path],
            remedy="Remove it; training then starts from the beginning.",
        ) from error
    return content


def remove(path: Path) -> None:
    """Delete the resumable state once the final weights are on the disk."""
    path.unlink(missing_ok=True)


def _flush_folder(folder: Path) -> None:
    # The rename itself must reach the disk; Windows cannot open folders, and needs no such call.
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
