"""The phantom as default data: drawn once into the cache, then found there."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmark import registry
from benchmark.execution.lease import acquire
from benchmark.settings import Settings
from benchmark.specs import PhantomSize

log = logging.getLogger(__name__)
_MARK = "PHANTOM.json"
_WAIT_SECONDS = 0.5


def phantom_folder(cache_dir: Path, size: PhantomSize) -> Path:
    """Where the phantom of a size lies; the name holds all that its content depends on."""
    from benchmark.phantom.version import PHANTOM_VERSION

    name = f"v{PHANTOM_VERSION}-{size.cases}-{size.size}-{size.seed}-{size.prevalence}"
    return cache_dir / "phantom" / name


def with_phantom(settings: Settings, progress: Any = None) -> Settings:
    """The settings with the phantom as data root, where no data were named.

    Two runs that need it draw it once; a half-drawn one never stands under its name.
    """
    if not settings.uses_phantom:
        return settings
    size = registry.load_profile(settings.profile).phantom
    folder = phantom_folder(settings.cache_dir, size)
    lease = None
    while not (folder / _MARK).is_file() and lease is None:
        lease = acquire(folder.with_name(folder.name + ".drawing"))
        if lease is None:
            time.sleep(_WAIT_SECONDS)
    if lease is not None:
        with lease:
            if not (folder / _MARK).is_file():
                _draw(folder, size, settings.jobs, progress)
        with contextlib.suppress(OSError):
            folder.with_name(folder.name + ".drawing").rmdir()
    return replace(settings, data_root=folder)


def _draw(folder: Path, size: PhantomSize, jobs: int, progress: Any) -> None:
    from benchmark.phantom.draw import draw_phantom

    log.info("drawing the phantom: %d cases of %d px into %s", size.cases, size.size, folder)
    workers = max(jobs, os.cpu_count() or 1)
    draw_phantom(folder, size, workers=workers, progress=progress)
