"""How published names and units map to ours: `leaderboards/published/join.toml`."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmark.errors import BadDataError, MissingDataError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmark.reporting.published import PublishedNumber


@dataclass(frozen=True)
class Join:
    """How published names and units map to ours.

    Attributes:
        methods: By group of files (the key is a prefix of the file's stem): published method
            to baseline. An empty baseline says that there is none in this version.
        metrics: By published metric: names of our metrics that mean the same.
        scales: By published metric and unit: factor from the printed number to ours.
        margins: By published metric: how far, in our unit, a measured value may lie from the
            printed one and still count as the same; a metric without a margin gets no verdict.
        higher_is_better: By published metric.
        releases: By checksum (SHA-256, hexadecimal): where the authors released these weights.
    """

    methods: Mapping[str, Mapping[str, str]]
    metrics: Mapping[str, tuple[str, ...]]
    scales: Mapping[tuple[str, str], float]
    margins: Mapping[str, float] = field(default_factory=dict)
    higher_is_better: Mapping[str, bool] = field(default_factory=dict)
    releases: Mapping[str, str] = field(default_factory=dict)

    def baseline(self, number: PublishedNumber) -> str | None:
        """Our baseline for a published row, empty for none, or None for a method unheard of."""
        for prefix in sorted(self.methods, key=len, reverse=True):
            if number.file.startswith(prefix) and number.method in self.methods[prefix]:
                return self.methods[prefix][number.method]
        return None

    def in_our_unit(self, number: PublishedNumber) -> float | None:
        """The printed number on the scale of our metric; None where there is no number.

        Raises:
            BadDataError: `join.toml` has no scale for this metric and unit.
        """
        if number.value is None:
            return None
        try:
            return number.value * self.scales[number.metric, number.unit]
        except KeyError:
            raise BadDataError(
                f"No scale for the published metric `{number.metric}` in `{number.unit}`.",
                looked_in=["leaderboards/published/join.toml"],
                remedy="Add the unit to that metric's `scale`.",
            ) from None


def read_join(path: Path) -> Join:
    """The join file.

    Raises:
        MissingDataError: The file does not exist.
        BadDataError: A margin is no positive number.
    """
    if not path.is_file():
        raise MissingDataError("The join file of published numbers is missing.", looked_in=[path])
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    metrics = data["metric"]
    return Join(
        methods={group: dict(names) for group, names in data["method"].items()},
        metrics={name: tuple(entry["ours"]) for name, entry in metrics.items()},
        scales={
            (name, unit): float(factor)
            for name, entry in metrics.items()
            for unit, factor in entry["scale"].items()
        },
        margins={
            name: _margin(name, entry["margin"], path)
            for name, entry in metrics.items()
            if "margin" in entry
        },
        higher_is_better={
            name: bool(entry.get("higher_is_better", True)) for name, entry in metrics.items()
        },
        releases={str(key): str(place) for key, place in data.get("release", {}).items()},
    )


def _margin(metric: str, value: object, path: Path) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < math.inf:
        return float(value)
    raise BadDataError(
        f"The margin of `{metric}` is `{value}`.",
        looked_in=[path],
        remedy="A positive number in the unit of our metric; leave it out for no verdict.",
    )
