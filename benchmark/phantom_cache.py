"""The phantom as default data: drawn into the cache where it is first needed, then found there.

The core is one folder, every further data set one of its own, so that a run draws what it reads.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Iterable
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


def phantom_folder(cache_dir: Path, size: PhantomSize, dataset: str = "") -> Path:
    """Where a phantom lies; the name holds all that its content depends on.

    Args:
        cache_dir: The cache.
        size: Of the phantom.
        dataset: A further data set; empty for the core.
    """
    from benchmark.phantom.version import PHANTOM_VERSION

    name = f"v{PHANTOM_VERSION}-{size.cases}-{size.size}-{size.seed}-{size.prevalence}"
    return cache_dir / "phantom" / (f"{name}-{dataset}" if dataset else name)


def with_phantom(
    settings: Settings, progress: Any = None, datasets: Iterable[str] | None = None
) -> Settings:
    """The settings with the phantom in place of data that were not named.

    Two runs that need it draw it once; a half-drawn one never stands under its name.

    Args:
        settings: Returned as they are where they name data.
        progress: Told how far each drawing is.
        datasets: What is going to be read; names that the phantom does not hold draw nothing.
            None is the core.

    Returns:
        Settings whose `data_root` is the core, where it is needed, and whose `data_roots` lead
        to the further data sets.
    """
    from benchmark.data.locate import find_root
    from benchmark.phantom.datasets import CORE, further_names

    if not settings.uses_phantom:
        return settings
    wanted = set(CORE if datasets is None else datasets)
    size = registry.load_profile(settings.profile).phantom
    root, roots = None, {}
    if wanted & set(CORE):
        root = phantom_folder(settings.cache_dir, size)
        _draw_once(root, size, CORE, settings.jobs, progress)
    for name in sorted(wanted & set(further_names())):
        folder = phantom_folder(settings.cache_dir, size, name)
        _draw_once(folder, size, (name,), settings.jobs, progress)
        roots[name] = find_root(registry.load_source(name), {}, folder)
    return replace(settings, data_root=root, data_roots=roots)


def _draw_once(
    folder: Path, size: PhantomSize, datasets: tuple[str, ...], jobs: int, progress: Any
) -> None:
    """Draw into a folder, or wait until another run that is at it has done so."""
    lease = None
    while not (folder / _MARK).is_file() and lease is None:
        lease = acquire(folder.with_name(folder.name + ".drawing"))
        if lease is None:
            time.sleep(_WAIT_SECONDS)
    if lease is not None:
        with lease:
            if not (folder / _MARK).is_file():
                _draw(folder, size, datasets, jobs, progress)
        with contextlib.suppress(OSError):
            folder.with_name(folder.name + ".drawing").rmdir()


def _draw(
    folder: Path, size: PhantomSize, datasets: tuple[str, ...], jobs: int, progress: Any
) -> None:
    from benchmark.phantom.draw import draw_phantom

    log.info(
        "drawing the phantom: %s, %d cases of %d px, into %s",
        ", ".join(datasets), size.cases, size.size, folder,
    )  # fmt: skip
    workers = max(jobs, os.cpu_count() or 1)
    draw_phantom(folder, size, datasets, workers=workers, progress=progress)
