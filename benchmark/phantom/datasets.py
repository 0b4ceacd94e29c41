"""Which data sets a phantom can hold: four that are drawn together, and any number beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark import registry
from benchmark.errors import unknown_name

if TYPE_CHECKING:
    from collections.abc import Iterable

CORE = ("mimic_cxr", "ms_cxr", "nih_cxr14", "rsna_pneumonia")
"""Share one allotment of the cases, so none of them is drawn without the others."""


def further_names() -> list[str]:
    """Data sets that are drawn each on its own: those with a reader and a writer, sorted."""
    return [name for name in registry.writer_names() if name not in CORE]


def dataset_names() -> list[str]:
    """All data sets that can be drawn, those of the core first."""
    return [*CORE, *further_names()]


def chosen(datasets: Iterable[str] | None) -> tuple[bool, list[str]]:
    """Whether the core is drawn, and which further data sets, sorted and each once.

    Args:
        datasets: Names; one of the core stands for all four. None is the core alone.

    Raises:
        UsageError: No such data set; near names are offered.
    """
    if datasets is None:
        return True, []
    names, known = set(datasets), dataset_names()
    for name in sorted(names):
        if name not in known:
            raise unknown_name("data set of the phantom", name, known)
    return bool(names & set(CORE)), sorted(names - set(CORE))
