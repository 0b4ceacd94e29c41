"""Bootstrap by patient: whole patients are drawn with replacement, never single images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmark.errors import BadDataError
from benchmark.seeds import generator_from

if TYPE_CHECKING:
    from collections.abc import Iterator

LEVEL = 0.95
SMALLEST_DEFINED_SHARE = 0.5
FEWEST_FOR_INTERVAL = 10
"""Fewer cannot show by resampling how far a mean over them moves."""


@dataclass(frozen=True)
class Interval:
    """A percentile interval, or the reason why there is none.

    Attributes:
        bounds: Lower and upper bound, or None.
        defined: Replicates in which the statistic was defined; the others are dropped.
        replicates: Replicates drawn.
        why: Reason where `bounds` is None.
    """

    bounds: tuple[float, float] | None
    defined: int
    replicates: int
    why: str = ""

    @property
    def undefined(self) -> int:
        """Replicates that were dropped."""
        return self.replicates - self.defined


@dataclass(frozen=True)
class PatientBootstrap:
    """How often each patient stands in each replicate.

    Attributes:
        codes: (n,) position of each sample's patient in the sorted list of patients, so that the
            order of the samples has no influence.
        counts: (replicates, patients) draws; each row sums to the number of patients.
        redrawn: Draws that were thrown away because a kind of case was not among them.
    """

    codes: np.ndarray
    counts: np.ndarray
    redrawn: int = 0

    @classmethod
    def draw(
        cls,
        patients: np.ndarray,
        replicates: int,
        seed: int,
        cases: np.ndarray | None = None,
    ) -> PatientBootstrap:
        """Draw the replicates; the same patients, cases and seed give the same draws.

        Args:
            patients: (n,) name of each sample's patient.
            replicates: Number of replicates; 0 gives no intervals.
            seed: The bootstrap axis of `benchmark.seeds`.
            cases: (n, c), kinds of samples of which every replicate must hold one, such as the
                positives of each class. A draw without one is made anew and counted. Where half
                of the draws and more would have to be, none is: the replicates then stay as they
                fall, and a statistic says where it is undefined. A kind without any sample asks
                for nothing.
        """
        names, codes = np.unique(np.asarray(patients), return_inverse=True)
        generator = generator_from("bootstrap", seed)
        number = len(names)
        if number == 0:
            raise BadDataError("A bootstrap needs at least one patient.")
        codes = codes.reshape(-1)
        holds = _patients_with(cases, codes, number)
        counts = _drawn(generator, replicates, number)
        complete = _complete(counts, holds)
        kept, redrawn = [counts[complete]], 0
        missing, allowed = int((~complete).sum()), int(replicates / SMALLEST_DEFINED_SHARE)
        while missing and replicates + redrawn < allowed:
            more = _drawn(generator, min(missing, allowed - replicates - redrawn), number)
            complete = _complete(more, holds)
            kept.append(more[complete])
            redrawn += len(more)
            missing -= int(complete.sum())
        return cls(codes, counts) if missing else cls(codes, np.concatenate(kept), redrawn)

    @property
    def replicates(self) -> int:
        """Number of replicates."""
        return len(self.counts)

    @property
    def patients(self) -> int:
        """Number of different patients."""
        return int(self.counts.shape[1])

    def patient_weights(self, largest_chunk: int = 2_000_000) -> Iterator[tuple[slice, np.ndarray]]:
        """Pieces (replicates of the piece, float32 weights (patients, piece)).

        A piece holds at most `largest_chunk` weights of samples, once they are spread over them.
        """
        step = max(1, largest_chunk // max(1, len(self.codes)))
        for start in range(0, self.replicates, step):
            piece = slice(start, min(start + step, self.replicates))
            yield piece, np.ascontiguousarray(self.counts[piece].T, dtype=np.float32)

    def sample_weights(self, largest_chunk: int = 2_000_000) -> Iterator[tuple[slice, np.ndarray]]:
        """Pieces (replicates of the piece, float32 weights (n, piece)) of bounded size."""
        for piece, by_patient in self.patient_weights(largest_chunk):
            yield piece, by_patient[self.codes]

    def means(self, values: np.ndarray) -> np.ndarray:
        """Mean over the samples in every replicate, NaN samples left out.

        Args:
            values: (n,) or (n, t).

        Returns:
            (replicates,) or (replicates, t); NaN where no sample of a replicate is defined.
        """
        table = np.asarray(values, dtype=np.float64).reshape(len(values), -1)
        known = np.isfinite(table)
        sums = np.zeros((self.patients, table.shape[1]))
        sizes = np.zeros_like(sums)
        np.add.at(sums, self.codes, np.where(known, table, 0.0))
        np.add.at(sizes, self.codes, known.astype(np.float64))
        weights = self.counts.astype(np.float64)
        total, size = weights @ sums, weights @ sizes
        with np.errstate(invalid="ignore", divide="ignore"):
            means = np.where(size > 0, total / size, np.nan)
        return means.reshape((self.replicates, *np.shape(values)[1:]))

    def patients_with_value(self, values: np.ndarray) -> int:
        """Patients with a defined (finite) value among (n,) or (n, t)."""
        known = np.isfinite(np.asarray(values, dtype=np.float64)).reshape(len(values), -1)
        return len(np.unique(self.codes[known.any(axis=1)]))


def _drawn(generator: np.random.Generator, replicates: int, patients: int) -> np.ndarray:
    counts = np.empty((replicates, patients), dtype=np.uint16)
    for replicate in range(replicates):
        drawn = generator.integers(patients, size=patients)
        counts[replicate] = np.bincount(drawn, minlength=patients)
    return counts


def _patients_with(cases: np.ndarray | None, codes: np.ndarray, patients: int) -> list[np.ndarray]:
    """For each kind of case that occurs: the patients that have one."""
    if cases is None:
        return []
    table = np.asarray(cases, dtype=bool).reshape(len(codes), -1)
    found = [np.unique(codes[column]) for column in table.T if column.any()]
    return [who for who in found if len(who) < patients]


def _complete(counts: np.ndarray, holds: list[np.ndarray]) -> np.ndarray:
    """Which replicates hold a case of each kind, (replicates,)."""
    complete = np.ones(len(counts), dtype=bool)
    for who in holds:
        complete &= counts[:, who].any(axis=1)
    return complete


def percentile_interval(
    replicates: np.ndarray, level: float = LEVEL, patients: int | None = None
) -> Interval:
    """Percentile interval of a statistic; undefined (NaN) replicates are dropped and counted.

    With fewer than half of the replicates defined there is no interval: what is left then
    describes a lucky selection of the patients. Nor is there one where every resample gives the
    same value: a share at its bound is not certain (no hit in n patients leaves a share of 3 / n
    possible), and resampling cannot show it.

    Args:
        replicates: (r,) the statistic in each resample.
        level: Of coverage.
        patients: How many carry the statistic, if known; with fewer than 10 there is no interval.
    """
    values = np.asarray(replicates, dtype=np.float64)
    defined = values[np.isfinite(values)]
    number = len(values)
    if number == 0:
        return Interval(None, 0, 0, "no bootstrap replicates were drawn")
    if len(defined) < SMALLEST_DEFINED_SHARE * number or len(defined) == 0:
        why = f"defined in {len(defined)} of {number} bootstrap replicates only"
        return Interval(None, len(defined), number, why)
    if patients is not None and patients < FEWEST_FOR_INTERVAL:
        why = f"fewer than {FEWEST_FOR_INTERVAL} patients ({patients})"
        return Interval(None, len(defined), number, why)
    if np.ptp(defined) <= 1e-12 * max(1.0, abs(float(defined[0]))):
        why = f"every resample gives {defined[0]:g}, which says nothing of the error"
        return Interval(None, len(defined), number, why)
    tail = (1 - level) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return Interval((float(low), float(high)), len(defined), number)


def recentred(replicates: np.ndarray, value: float) -> np.ndarray:
    """Replicates in [0, 1] of an optimistic statistic, moved so that their mean is its value.

    The best of many thresholds is higher than the threshold deserves, and in a resample, which
    repeats patients, by as much again: the percentiles would lie beside the value.
    """
    values = np.asarray(replicates, dtype=np.float64)
    known = values[np.isfinite(values)]
    if not len(known):
        return values
    return np.asarray(np.clip(values - (known.mean() - value), 0.0, 1.0))


def mean_interval(
    values: np.ndarray, patients: np.ndarray, seed: int, replicates: int, level: float = LEVEL
) -> Interval:
    """Interval of the mean of a per-sample array (n,); NaN samples are left out."""
    bootstrap = PatientBootstrap.draw(patients, replicates, seed)
    return percentile_interval(bootstrap.means(values), level)
