"""How a value of a spec is written in a reference page."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

SHORTEST_RANGE = 8
"""Evenly spaced values from this many on are written as a range."""

SMALLEST_PLAIN = 0.01
"""Smaller numbers are written with a power of ten."""


def value_text(value: Any) -> str:
    """One value in the words of the command line, numbers as they are read.

    A mapping by label percent is written as its values in the order of the percents, divided by
    bars, or as the one value that they all have.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return float_text(value)
    if isinstance(value, Mapping):
        return _mapping_text(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _sequence_text(value)
    return str(value) or "none"


def float_text(value: float) -> str:
    """Such as `0.65`, `8.5e-3` or `20`: at most six digits."""
    if value == 0 or not math.isfinite(value) or abs(value) >= SMALLEST_PLAIN:
        return f"{value:.6g}"
    power = math.floor(math.log10(abs(value)))
    return f"{round(value / 10.0**power, 6):g}e{power}"


def _mapping_text(value: Mapping[Any, Any]) -> str:
    if not value:
        return "none"
    if not all(re.fullmatch(r"[\d.]+", str(key)) for key in value):
        return ", ".join(f"{key} {value_text(item)}" for key, item in value.items())
    texts = [value_text(value[key]) for key in sorted(value, key=lambda key: float(key))]
    return texts[0] if len(set(texts)) == 1 else " / ".join(texts)


def _sequence_text(values: Sequence[Any]) -> str:
    if not values:
        return "none"
    if len(values) >= SHORTEST_RANGE and all(isinstance(item, float) for item in values):
        step = (values[-1] - values[0]) / (len(values) - 1)
        even = all(math.isclose(item, values[0] + n * step) for n, item in enumerate(values))
        if even:
            ends = f"{float_text(values[0])} to {float_text(values[-1])}"
            return f"{ends}, {float_text(step)} apart"
    return ", ".join(value_text(item) for item in values)
