"""Intervals of a class with few cases, where percentiles of a bootstrap cover too little.

Counted are the patients with a positive test case, and those with a negative one; the smaller
number decides.

- Fewer than 30: the AUC has DeLong's interval on the logit scale (`benchmark.statistics.delong`),
  a mean AUC with the class one of the same form, from the bootstrap's standard error. Every other
  metric of the class, and its mean over classes, has none and says so.
- Fewer than 10: no interval of the class at all, and none of a mean over classes that it is part
  of. A resample that must hold a positive cannot show how much a class with a handful of them
  moves; measured, such a mean covers 44 to 90 % in place of 95.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmark.statistics.bootstrap import FEWEST_FOR_INTERVAL, Interval
from benchmark.statistics.delong import (
    SIDES,
    delong_interval,
    logit_interval,
    patients_by_side,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

FEWEST_FOR_PERCENTILES = 30
DELONG = "DeLong on the logit scale"


@dataclass(frozen=True)
class FewCases:
    """The classes of one test set that have few cases.

    Attributes:
        why: Reason by class, such as `fewer than 30 patients with a positive case (12)`.
        counts: By class, patients on its smaller side.
        columns: Position of each.
        truth: (n, k).
        patients: (n,).
        replicates: Of the bootstrap; without any no interval is made.
    """

    why: Mapping[str, str]
    counts: Mapping[str, int]
    columns: Mapping[str, int]
    truth: np.ndarray
    patients: np.ndarray
    replicates: int

    @classmethod
    def of(
        cls, truth: np.ndarray, patients: np.ndarray, names: Sequence[str], replicates: int
    ) -> FewCases:
        """Count the patients on each side of each class that has both."""
        why, counts, columns = {}, {}, {}
        for column, name in enumerate(names):
            sides = patients_by_side(truth[:, column], patients)
            if not all(sides) or min(sides) >= FEWEST_FOR_PERCENTILES:
                continue
            limit = (
                FEWEST_FOR_INTERVAL if min(sides) < FEWEST_FOR_INTERVAL else FEWEST_FOR_PERCENTILES
            )
            kind = SIDES[int(np.argmin(sides))]
            why[name] = f"fewer than {limit} patients with a {kind} case ({min(sides)})"
            counts[name], columns[name] = min(sides), column
        return cls(why, counts, columns, truth, patients, replicates)

    def without(self) -> dict[str, Interval]:
        """No interval for any of them, with the reason."""
        return {name: self._none(reason) for name, reason in self.why.items()}

    def of_auc(self, scores: np.ndarray) -> dict[str, Interval]:
        """DeLong's interval of each, from scores (n, k); none with fewer than 10 patients."""
        found = {}
        for name, column in self.columns.items():
            values = scores[:, column]
            if np.isnan(values).any():
                continue
            if self.counts[name] < FEWEST_FOR_INTERVAL:
                found[name] = self._none(self.why[name])
                continue
            interval = delong_interval(self.truth[:, column], values, self.patients)
            found[name] = (
                Interval(interval.bounds, self.replicates, self.replicates)
                if interval.bounds
                else self._none(f"{self.why[name]}; {interval.why}")
            )
        return found

    def described(self) -> dict[str, str]:
        """By class: why its intervals are not the bootstrap's, and what they are."""
        return {
            name: f"{reason}: no interval"
            if self.counts[name] < FEWEST_FOR_INTERVAL
            else f"{reason}: AUC by {DELONG}, no other interval"
            for name, reason in self.why.items()
        }

    def mean_of_auc(self, drawn: Mapping[str, np.ndarray], value: float) -> Interval | None:
        """What stands in place of the percentiles of a mean AUC; None where they may stand.

        Args:
            drawn: Replicates by class of the mean.
            value: The mean.
        """
        counts = [self.counts[name] for name in drawn if name in self.counts]
        if not counts or not self.replicates:
            return None
        if min(counts) < FEWEST_FOR_INTERVAL:
            return self._none(self._named(drawn, FEWEST_FOR_INTERVAL))
        error = float(np.nanstd(np.mean(list(drawn.values()), axis=0), ddof=1))
        found = logit_interval(value, error, min(counts) - 1)
        if found.bounds is None:
            return self._none(f"{self._named(drawn, FEWEST_FOR_PERCENTILES)}; {found.why}")
        return Interval(found.bounds, self.replicates, self.replicates)

    def without_mean(self, classes: Iterable[str]) -> Interval | None:
        """No interval of the mean of another metric that includes one; None if it includes none."""
        reason = self._named(classes, FEWEST_FOR_PERCENTILES)
        return self._none(reason) if reason and self.replicates else None

    def _named(self, classes: Iterable[str], limit: int) -> str:
        rare = [name for name in classes if self.counts.get(name, limit) < limit]
        return "; ".join(f"{name}: {self.why[name]}" for name in sorted(rare))

    def _none(self, reason: str) -> Interval:
        return Interval(None, 0, self.replicates, reason)
