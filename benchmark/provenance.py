"""What a result was made with: commit, libraries, device, command. Stored, never part of a key."""

from __future__ import annotations

import functools
import platform
import resource
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmark.registry import CHECKOUT

LIBRARIES = (
    "torch",
    "torchvision",
    "timm",
    "transformers",
    "tokenizers",
    "numpy",
    "scipy",
    "pandas",
    "scikit-learn",
    "pillow",
    "pydicom",
)


def provenance(device: str, threads: int) -> dict[str, Any]:
    """Commit with dirty flag, versions, device, threads and the command line."""
    commit, dirty = _commit()
    return {
        "commit": commit,
        "dirty": dirty,
        "libraries": dict(_libraries()),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "device": device,
        "threads": threads,
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
    }


@functools.cache
def _libraries() -> tuple[tuple[str, str], ...]:
    found = []
    for name in LIBRARIES:
        try:
            found.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            continue
    return tuple(found)


@functools.cache
def _commit() -> tuple[str, bool]:
    """Commit of the checkout and whether tracked files differ; empty outside a checkout."""
    try:
        commit = _git("rev-parse", "HEAD")
        return commit, bool(_git("status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.SubprocessError):
        return "", False


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(CHECKOUT), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
    return done.stdout.strip()


def peak_memory_mib() -> float:
    """Largest resident memory of this process so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Bytes on macOS, KiB elsewhere.
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)
