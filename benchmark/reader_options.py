"""Options of a reader, such as `--source covid_idc.views='["PA"]'`: known by name, typed."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from benchmark import registry
from benchmark.errors import unknown_name
from benchmark.settings import typed

FILLED_IN = frozenset({"root", "allow_partial", "lists_root", "mimic_root", "cache_dir"})
"""Parameters of a reader that are no user's option."""


def reader_options(dataset: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of one reader in the types of its defaults.

    Args:
        dataset: Name of the reader.
        given: Text from the command line (JSON where the default is no text), or TOML values.

    Raises:
        UsageError: The reader has no such option, or the value has another type.
    """
    parameters = inspect.signature(registry.source_module(dataset).read).parameters
    known = set(parameters) - FILLED_IN
    for name in given:
        if name not in known:
            raise unknown_name(f"option of the reader {dataset}", name, known)
    return {
        name: typed(f"{dataset}.{name}", value, parameters[name].default)
        for name, value in given.items()
    }
