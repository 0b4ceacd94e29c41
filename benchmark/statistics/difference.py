"""The difference of two scores that met the same resamples: interval, p-value, verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import stats

from benchmark.statistics.bootstrap import LEVEL, percentile_interval
from benchmark.statistics.seed_spread import difference_variances, joined, mean_over_runs

if TYPE_CHECKING:
    from collections.abc import Sequence

Verdict = Literal["higher", "lower", "unresolved"]
DETECTABLE_STANDARD_ERRORS = 1.96
FEWEST_PATIENTS = 30
TOO_FEW = f"fewer than {FEWEST_PATIENTS} patients carry the score"
NO_SCATTER = "no resample changes the difference: its error is not known"
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
            zero (at half power; 80 % power takes 1.4 times as much): 1.96 standard errors, or
            Student's quantile of them where seeds enter.
        verdict: `unresolved` where the difference is below `smallest_detectable`, where nothing
            scatters, and where fewer than 30 patients carry the score, of whom resamples say too
            little (`why` then says so).
        n: Samples (or classes, for an AUC of several) that entered.
        patients: Patients that carry the score: of an AUC those on the smaller side of its
            rarest class, of a mean those with a defined value.
        method: How the p-value was made.
        seed_variance: The seeds' part of the squared standard error.
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
    seed_variance: float = 0.0

    @property
    def settling_factor(self) -> float | None:
        """How many times the test patients would settle a difference of this size.

        With that many the same difference is found with 80 % power at the 5 % level, the
        patients' variance shrinking with their number and the seeds' staying as it is. At least
        as many as make 30 patients. None without a difference or an error, and where the seeds'
        error alone is too large, so that no number of patients would do.
        """
        if not self.difference or not self.standard_error or not self.patients:
            return None
        wanted = (self.difference / SETTLING_STANDARD_ERRORS) ** 2 - self.seed_variance
        if wanted <= 0:
            return None
        factor = (self.standard_error**2 - self.seed_variance) / wanted
        return max(factor, FEWEST_PATIENTS / self.patients)


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
    (`seed_spread.difference_variances`) is joined to the patients' error as independent of it, and
    interval and p-value are those of Student's t with the degrees of Welch and Satterthwaite.

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
    spread = difference_variances(*sides)
    by_seeds = sum(variance for variance, _ in spread)
    if by_seeds == 0 or (found.interval is None and found.why != NO_SCATTER):
        return found
    by_patients = float(np.nanvar(drawn, ddof=1))
    total, freedom = joined([(by_patients, max(patients - 1, 1)), *spread])
    error = float(np.sqrt(total))
    half = float(stats.t.ppf(0.5 + LEVEL / 2, freedom)) * error
    return replace(
        found,
        interval=(difference - half, difference + half),
        p_value=float(2 * stats.t.sf(abs(difference) / error, freedom)),
        standard_error=error,
        smallest_detectable=half,
        verdict=_verdict(difference, half, patients),
        why=TOO_FEW if patients < FEWEST_PATIENTS else "",
        method="paired bootstrap by patient and spread of the seeds (Welch)",
        seed_variance=by_seeds,
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
    interval = percentile_interval(drawn, LEVEL)
    error = float(np.nanstd(drawn, ddof=1)) if interval.defined > 1 else 0.0
    if error == 0 and interval.defined > 1:
        same = difference == 0
        return PairedDifference(
            difference,
            p_value=1.0 if same else None,
            standard_error=0.0,
            n=n,
            patients=patients,
            why="both sides have equal scores in every resample" if same else NO_SCATTER,
            method="paired bootstrap by patient",
        )
    if interval.bounds is None:
        return PairedDifference(difference, n=n, patients=patients, why=interval.why)
    detectable = DETECTABLE_STANDARD_ERRORS * error
    return PairedDifference(
        difference,
        interval.bounds,
        float(2 * stats.norm.sf(abs(difference) / error)),
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
