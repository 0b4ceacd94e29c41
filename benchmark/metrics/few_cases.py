"""Intervals of a class with few cases, where percentiles of a bootstrap cover too little.

Few means fewer than 30 patients with a positive test case, or with a negative one. The AUC then
has DeLong's interval on the logit scale (`benchmark.statistics.delong`); every other metric of the
class has none, and says so. The mean over several classes keeps its percentiles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmark.statistics.bootstrap import Interval
from benchmark.statistics.delong import delong_interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FEWEST_PATIENTS = 30
DELONG = "DeLong on the logit scale"


@dataclass(frozen=True)
class FewCases:
    """The classes of one test set that have few cases.

    Attributes:
        why: Reason by class, such as `fewer than 30 patients with a positive case (12)`.
        columns: Position of each.
        truth: (n, k).
        patients: (n,).
        replicates: Of the bootstrap; without any no interval is made.
    """

    why: Mapping[str, str]
    columns: Mapping[str, int]
    truth: np.ndarray
    patients: np.ndarray
    replicates: int

    @classmethod
    def of(
        cls, truth: np.ndarray, patients: np.ndarray, names: Sequence[str], replicates: int
    ) -> FewCases:
        """Count the patients on each side of each class."""
        why, columns = {}, {}
        for column, name in enumerate(names):
            reason = _why_few(truth[:, column], patients)
            if reason:
                why[name], columns[name] = reason, column
        return cls(why, columns, truth, patients, replicates)

    def without(self) -> dict[str, Interval]:
        """No interval for any of them, with the reason."""
        return {name: self._none(reason) for name, reason in self.why.items()}

    def of_auc(self, scores: np.ndarray) -> dict[str, Interval]:
        """DeLong's interval of each, from scores (n, k)."""
        found = {}
        for name, column in self.columns.items():
            values = scores[:, column]
            if np.isnan(values).any():
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
            name: f"{reason}: AUC by {DELONG}, no other interval"
            for name, reason in self.why.items()
        }

    def _none(self, reason: str) -> Interval:
        return Interval(None, 0, self.replicates, reason)


def _why_few(truth: np.ndarray, patients: np.ndarray) -> str:
    for value, kind in ((1, "positive"), (0, "negative")):
        count = len(np.unique(patients[truth == value]))
        if count < FEWEST_PATIENTS:
            return f"fewer than {FEWEST_PATIENTS} patients with a {kind} case ({count})"
    return ""
