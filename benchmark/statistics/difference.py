"""The difference of two scores that met the same resamples: interval, p-value, verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import stats

from benchmark.statistics.bootstrap import LEVEL, percentile_interval
from benchmark.statistics.seed_spread import (
    difference_variances,
    half_width,
    mean_over_runs,
    p_value,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

Verdict = Literal["higher", "lower", "unresolved"]
DETECTABLE_STANDARD_ERRORS = 1.96
FEWEST_FOR_VERDICT = 30
TOO_FEW = f"fewer than {FEWEST_FOR_VERDICT} patients carry the score"
NO_SCATTER = "no resample changes the difference: its error is not known"
EQUAL = "both sides have equal scores in every resample"
WITH_SEEDS = "paired bootstrap by patient and spread of the seeds"
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
        standard_error: Of the difference: the patients' error, joined with the seeds'.
        smallest_detectable: The smallest difference that an interval of this width can tell from
            zero (at half power; 80 % power takes 1.4 times as much): 1.96 standard errors, or half
            of the interval where seeds enter.
        verdict: `unresolved` where the difference is below `smallest_detectable` or the p-value
            5 % or more, where nothing scatters, and where fewer than 30 patients carry the score,
            of whom resamples say too little (`why` then says so).
        n: Samples (or classes, for an AUC of several) that entered.
        patients: Patients that carry the score: of an AUC those on the smaller side of its
            rarest class, of a mean those with a defined value.
        method: How the p-value was made.
        patients_error: The patients' part of the standard error.
        seeds_half_width: Half of the 95 % interval that the seeds alone would make.
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
    patients_error: float = 0.0
    seeds_half_width: float = 0.0

    @property
    def settling_factor(self) -> float | None:
        """How many times the test patients would settle a difference of this size.

        With that many the same difference is found with 80 % power at the 5 % level, the
        patients' variance shrinking with their number and the seeds' staying as it is. At least
        as many as make 30 patients. None without a difference or an error, and where the seeds'
        spread alone is too large, so that no number of patients would do.
        """
        if not self.difference or not self.standard_error or not self.patients:
            return None
        reach = DETECTABLE_STANDARD_ERRORS / SETTLING_STANDARD_ERRORS * abs(self.difference)
        left = reach**2 - self.seeds_half_width**2
        if left <= 0:
            return None
        factor = (DETECTABLE_STANDARD_ERRORS * self.patients_error) ** 2 / left
        return max(factor, FEWEST_FOR_VERDICT / self.patients)


@dataclass(frozen=True)
class Replicated:
    """One run's score, and the same score in every replicate of a patient bootstrap.

    Attributes:
        value: Of the sample.
        drawn: (replicates,), NaN where undefined; all runs of a comparison share the resamples.
        seeds: By axis, as `seed_spread.AXES`; None for an axis that the run does not have.
    """

    value: float
    drawn: np.ndarray
    seeds: Mapping[str, int | None] = field(default_factory=dict)


def difference_of(
    first: Sequence[Replicated], second: Sequence[Replicated], n: int, patients: int
) -> PairedDifference:
    """Difference of the means of two sets of runs that met the same resamples.

    With one run on each side: percentiles of the bootstrap, and a normal distribution with its
    standard error for the p-value. With several seeds on an axis their spread
    (`seed_spread.difference_variances`) is joined to the patients' error as independent of it, the
    half-widths by their squares (`seed_spread.half_width`), and the p-value belongs to that
    interval.

    Args:
        first: Runs of the first predictor.
        second: Runs of the second.
        n: Samples or classes that entered.
        patients: Patients that carry the score.
    """
    sides = [[(run.seeds, run.value) for run in runs] for runs in (first, second)]
    difference = mean_over_runs(sides[0]) - mean_over_runs(sides[1])
    drawn = _mean_drawn(first) - _mean_drawn(second)
    found = from_replicates(difference, drawn, n, patients)
    seeds = difference_variances(*sides)
    if sum(variance for variance, _ in seeds) == 0:
        return found
    if found.interval is None and found.why not in (NO_SCATTER, EQUAL):
        return found
    by_patients = (float(np.nanvar(drawn, ddof=1)), float(max(patients - 1, 1)))
    parts = [by_patients, *seeds]
    half = half_width(parts, LEVEL)
    p = p_value(parts, difference)
    return replace(
        found,
        interval=(difference - half, difference + half),
        p_value=p,
        standard_error=float(np.sqrt(sum(variance for variance, _ in parts))),
        smallest_detectable=half,
        verdict=verdict_of(difference, half, patients, p),
        why=TOO_FEW if patients < FEWEST_FOR_VERDICT else "",
        method=WITH_SEEDS,
        patients_error=float(np.sqrt(by_patients[0])),
        seeds_half_width=half_width(seeds, LEVEL),
    )


def _mean_drawn(runs: Sequence[Replicated]) -> np.ndarray:
    """`mean_over_runs` in every replicate."""
    by_seed: dict[int | None, list[np.ndarray]] = {}
    for run in runs:
        by_seed.setdefault(run.seeds.get("pretrain"), []).append(run.drawn)
    return np.asarray(np.mean([np.mean(drawn, axis=0) for drawn in by_seed.values()], axis=0))


def from_replicates(
    difference: float, drawn: np.ndarray, n: int, patients: int
) -> PairedDifference:
    """A difference of one run on each side, from its replicates (r,).

    The interval holds their percentiles; the p-value is that of a normal distribution with their
    standard deviation. Undefined where `percentile_interval` is, and where no resample changes a
    difference that is not zero.
    """
    values = np.asarray(drawn, dtype=np.float64)
    if np.isfinite(values).sum() > 1 and np.ptp(values[np.isfinite(values)]) < 1e-12:
        return PairedDifference(
            difference,
            p_value=1.0 if difference == 0 else None,
            standard_error=0.0,
            n=n,
            patients=patients,
            why=EQUAL if difference == 0 else NO_SCATTER,
            method="paired bootstrap by patient",
        )
    interval = percentile_interval(values, LEVEL, patients)
    if interval.bounds is None:
        return PairedDifference(difference, n=n, patients=patients, why=interval.why)
    error = float(np.nanstd(values, ddof=1))
    found = PairedDifference(
        difference,
        interval.bounds,
        n=n,
        patients=patients,
        why=TOO_FEW if patients < FEWEST_FOR_VERDICT else "",
    )
    p = float(2 * stats.norm.sf(abs(difference) / error))
    return with_error(found, error, p, "paired bootstrap by patient")


def with_error(found: PairedDifference, error: float, p: float, method: str) -> PairedDifference:
    """A difference of one run on each side with the error and the p-value of a test."""
    assert found.difference is not None
    detectable = DETECTABLE_STANDARD_ERRORS * error
    return replace(
        found,
        p_value=p,
        standard_error=error,
        smallest_detectable=detectable,
        verdict=verdict_of(found.difference, detectable, found.patients, p),
        method=method,
        patients_error=error,
    )


def verdict_of(difference: float, detectable: float, patients: int, p: float) -> Verdict:
    """`unresolved` below the smallest detectable difference, and where p is 5 % or more."""
    if patients < FEWEST_FOR_VERDICT or abs(difference) < detectable or p >= 1 - LEVEL:
        return "unresolved"
    return "higher" if difference > 0 else "lower"
