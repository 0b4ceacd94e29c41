"""The difference of two scores that met the same resamples: interval, p-value, verdict."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import stats

from benchmark.statistics.bootstrap import LEVEL, percentile_interval
from benchmark.statistics.seed_spread import seed_error

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

Verdict = Literal["higher", "lower", "unresolved"]
DETECTABLE_STANDARD_ERRORS = 1.96
FEWEST_PATIENTS = 30
TOO_FEW = f"fewer than {FEWEST_PATIENTS} patients"
SETTLING_STANDARD_ERRORS = float(stats.norm.ppf(0.975) + stats.norm.ppf(0.8))
"""A difference this many standard errors wide is found with 80 % power at the 5 % level."""


@dataclass(frozen=True)
class PairedDifference:
    """Difference first minus second.

    Attributes:
        difference: None where undefined; `why` then says the reason.
        interval: 95 %; percentiles of the patient bootstrap, or joined with the seeds' spread
            (`difference_of`).
        p_value: Two-sided, of no difference.
        standard_error: Of the difference.
        smallest_detectable: The smallest difference that an interval of this width can tell from
            zero (at half power; 80 % power takes 1.4 times as much): 1.96 standard errors, or
            Student's quantile of them where seeds enter.
        verdict: `unresolved` where the difference is below `smallest_detectable`, and with fewer
            than 30 patients, of whom resamples say too little (`why` then says so).
        n: Samples (or classes, for an AUC of several) that entered.
        patients: Patients that entered.
        method: How the p-value was made.
    """

    difference: float | None
    interval: tuple[float, float] | None = None
    p_value: float | None = None
    standard_error: float | None = None
    smallest_detectable: float | None = None
    verdict: Verdict = "unresolved"
    n: int = 0
    patients: int = 0
    why: str = ""
    method: str = ""

    @property
    def settling_factor(self) -> float | None:
        """How many times the test patients would settle a difference of this size, or None.

        With that many the same difference is found with 80 % power at the 5 % level, the error
        shrinking with the square root of the patients. None without a difference or an error.
        """
        if not self.difference or not self.standard_error:
            return None
        return (SETTLING_STANDARD_ERRORS * self.standard_error / abs(self.difference)) ** 2


@dataclass(frozen=True)
class Replicated:
    """One run's score, and the same score in every replicate of a patient bootstrap.

    Attributes:
        value: Of the sample.
        drawn: (replicates,), NaN where undefined; all runs of a comparison share the resamples.
        unit: What the run repeats, such as its pre-training seed; runs of one unit are averaged.
    """

    value: float
    drawn: np.ndarray
    unit: Hashable = 0


def difference_of(
    first: Sequence[Replicated], second: Sequence[Replicated], n: int, patients: int
) -> PairedDifference:
    """Difference of the means of two sets of runs that met the same resamples.

    With one unit on each side: percentiles of the bootstrap, and a normal distribution with its
    standard error for the p-value. With several units on a side (pre-training seeds), their
    spread is joined to the patients' error as independent of it, and interval and p-value are
    those of Student's t with the degrees of Welch and Satterthwaite.

    Args:
        first: Runs of the first predictor.
        second: Runs of the second.
        n: Samples or classes that entered.
        patients: Patients that entered.
    """
    means = [float(np.mean(list(_by_unit(runs).values()))) for runs in (first, second)]
    drawn = _mean_drawn(first) - _mean_drawn(second)
    found = from_replicates(means[0] - means[1], drawn, n, patients)
    spread = [seed_error(list(_by_unit(runs).values())) for runs in (first, second)]
    known = [item for item in spread if item is not None]
    if found.standard_error is None or found.difference is None or not known:
        return found
    parts = [(found.standard_error**2, patients - 1), *((e**2, df) for e, df in known)]
    total = sum(variance for variance, _ in parts)
    if total == 0:
        return found
    freedom = total**2 / sum(variance**2 / df for variance, df in parts)
    error = math.sqrt(total)
    half = float(stats.t.ppf(0.5 + LEVEL / 2, freedom)) * error
    return replace(
        found,
        interval=(found.difference - half, found.difference + half),
        p_value=float(2 * stats.t.sf(abs(found.difference) / error, freedom)),
        standard_error=error,
        smallest_detectable=half,
        verdict=_verdict(found.difference, half, patients),
        method="paired bootstrap by patient and spread of the seeds (Welch)",
    )


def _by_unit(runs: Sequence[Replicated]) -> dict[Hashable, float]:
    values: dict[Hashable, list[float]] = {}
    for run in runs:
        values.setdefault(run.unit, []).append(run.value)
    return {unit: float(np.mean(of_unit)) for unit, of_unit in values.items()}


def _mean_drawn(runs: Sequence[Replicated]) -> np.ndarray:
    """Mean over units of the mean over their runs, in every replicate."""
    by_unit: dict[Hashable, list[np.ndarray]] = {}
    for run in runs:
        by_unit.setdefault(run.unit, []).append(run.drawn)
    return np.asarray(np.mean([np.mean(drawn, axis=0) for drawn in by_unit.values()], axis=0))


def from_replicates(
    difference: float, drawn: np.ndarray, n: int, patients: int
) -> PairedDifference:
    """A difference of one run on each side, from its replicates (r,).

    The interval holds their percentiles; the p-value is that of a normal distribution with their
    standard deviation. Undefined where `percentile_interval` is.
    """
    interval = percentile_interval(drawn, LEVEL)
    if interval.bounds is None:
        return PairedDifference(difference, n=n, patients=patients, why=interval.why)
    error = float(np.nanstd(drawn, ddof=1))
    if error > 0:
        p_value = float(2 * stats.norm.sf(abs(difference) / error))
    else:
        p_value = 1.0 if difference == 0 else 0.0
    detectable = DETECTABLE_STANDARD_ERRORS * error
    return PairedDifference(
        difference,
        interval.bounds,
        p_value,
        error,
        detectable,
        _verdict(difference, detectable, patients),
        n,
        patients,
        why=TOO_FEW if patients < FEWEST_PATIENTS else "",
        method="paired bootstrap by patient",
    )


def _verdict(difference: float, detectable: float, patients: int) -> Verdict:
    if patients < FEWEST_PATIENTS or difference == 0 or abs(difference) < detectable:
        return "unresolved"
    return "higher" if difference > 0 else "lower"
