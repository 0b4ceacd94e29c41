"""Two baselines on the same test samples: the difference, and whether it can be told from zero."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from benchmark import registry
from benchmark.errors import BadDataError
from benchmark.metrics.resampled import ONLY, Resampled, comparable_metrics, resampled
from benchmark.records import read_arrays
from benchmark.reporting.protocol import why_not_averaged
from benchmark.seeds import seed_from
from benchmark.statistics.bca import bca_interval
from benchmark.statistics.bootstrap import PatientBootstrap
from benchmark.statistics.delong import why_no_variance
from benchmark.statistics.difference import PairedDifference, Replicated, difference_of
from benchmark.statistics.paired import with_delong
from benchmark.statistics.seed_spread import mean_over_runs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmark.reporting.select import Result

REPLICATES = 2000


@dataclass(frozen=True)
class Comparison:
    """What is known of the difference of two baselines, first minus second.

    Attributes:
        metric: By which they are compared.
        found: Difference, interval, p-value, smallest detectable difference, verdict; its
            `difference` is None where there is none, and `why` then says the reason.
        first, second: Mean over the runs of each side, over the same classes.
        samples: Test samples; `found.patients` are the patients that carry the score.
        classes: Over which the score is a mean; empty for a score that is no such mean.
        one_checkpoint: A side rests on a single pre-training run: the interval then speaks of
            that checkpoint, not of the method.
    """

    metric: str
    found: PairedDifference
    first: float | None = None
    second: float | None = None
    samples: int = 0
    classes: tuple[str, ...] = ()
    one_checkpoint: bool = False

    @property
    def samples_to_settle(self) -> int | None:
        """Test samples with which a difference of this size is found with 80 % power."""
        factor = self.found.settling_factor
        return None if factor is None else int(np.ceil(factor * self.samples))

    @property
    def patients_to_settle(self) -> int | None:
        """The same in patients."""
        factor = self.found.settling_factor
        return None if factor is None else int(np.ceil(factor * self.found.patients))


def metrics_of(task: str) -> tuple[str, ...]:
    """Metrics by which two records of a task can be compared; its headline first, where it can."""
    if task not in registry.task_names():
        return ()
    spec = registry.load_task(task)
    known = comparable_metrics(spec.metrics)
    return tuple(sorted(known, key=lambda name: name != spec.headline))


class Comparer:
    """Compares sets of records, and keeps what it has read and resampled.

    All methods of one test set meet the same resamples, so each is resampled once, however many
    it is compared with.
    """

    def __init__(
        self, replicates: int = REPLICATES, interval: Literal["percentile", "bca"] = "percentile"
    ) -> None:
        """How intervals are made.

        Args:
            replicates: Of each bootstrap.
            interval: `bca` corrects bias and skewness (`benchmark.statistics.bca`) where each
                side has one run and a score whose influence by patient is known: AUC and means
                over samples, not average precision.
        """
        self._replicates = replicates
        self._interval = interval
        self._read: dict[tuple[str, str], Resampled | str] = {}
        self._drawn: dict[tuple[str, str, tuple[str, ...]], np.ndarray] = {}
        self._bootstrap: tuple[object, PatientBootstrap] | None = None

    def compare(self, first: Sequence[Result], second: Sequence[Result], metric: str) -> Comparison:
        """The difference of two baselines on one test set.

        Args:
            first: Records of the first, one for each set of seeds.
            second: Of the second, on the same task, variant and data.
            metric: One of `metrics_of`.
        """
        if not first or not second:
            return _without(metric, "one side has no record")
        for side in (first, second):
            several = why_not_averaged(side)
            if several:
                return _without(metric, several)
        sides = [[self._resampled(item, metric) for item in side] for side in (first, second)]
        for one in (*sides[0], *sides[1]):
            if isinstance(one, str):
                return _without(metric, one)
        known = [[one for one in side if isinstance(one, Resampled)] for side in sides]
        everything = [*known[0], *known[1]]
        why = _why_unpaired(everything)
        if why:
            return _without(metric, why)
        classes = tuple(
            name for name in everything[0].values if all(name in one.values for one in everything)
        )
        if not classes:
            return _without(metric, "no class is defined on both sides")
        if not _same_truth(everything, classes):
            return _without(metric, "the two sides hold other labels of the same samples")
        bootstrap = self._shared_bootstrap(everything[0], classes)
        runs = [
            [
                self._replicated(item, one, metric, classes, bootstrap)
                for item, one in zip(side, parts, strict=True)
            ]
            for side, parts in zip((first, second), known, strict=True)
        ]
        carriers = min(one.carriers(classes) for one in everything)
        found = difference_of(runs[0], runs[1], len(classes), carriers)
        found = _sharpened(found, known, classes)
        if self._interval == "bca":
            found = _bias_corrected(found, runs, known, classes)
        means = [mean_over_runs([(run.seeds, run.value) for run in side]) for side in runs]
        return Comparison(
            metric,
            found,
            means[0],
            means[1],
            len(everything[0].ids),
            () if classes == (ONLY,) else classes,
            any(_one_checkpoint(side) for side in (first, second)),
        )

    def _resampled(self, item: Result, metric: str) -> Resampled | str:
        key = (str(item.cell["key"]), metric)
        if key not in self._read:
            self._read[key] = _resampled(item, metric)
        return self._read[key]

    def _shared_bootstrap(self, one: Resampled, classes: tuple[str, ...]) -> PatientBootstrap:
        """The resamples of one test set; the last one is kept."""
        kinds = one.cases
        if kinds is not None and one.truth is not None:
            places = [list(one.values).index(name) for name in classes]
            kinds = kinds[:, [*places, *(place + len(one.values) for place in places)]]
        key = (one.patients.tobytes(), b"" if kinds is None else np.packbits(kinds).tobytes())
        if self._bootstrap is None or self._bootstrap[0] != key:
            seed = seed_from("comparison")
            drawn = PatientBootstrap.draw(one.patients, self._replicates, seed, kinds)
            self._bootstrap = (key, drawn)
        return self._bootstrap[1]

    def _replicated(
        self,
        item: Result,
        one: Resampled,
        metric: str,
        classes: tuple[str, ...],
        bootstrap: PatientBootstrap,
    ) -> Replicated:
        key = (str(item.cell["key"]), metric, classes)
        if key not in self._drawn:
            self._drawn[key] = one.replicates(bootstrap, classes).mean(axis=1)
        value = float(np.mean([one.values[name] for name in classes]))
        return Replicated(value, self._drawn[key], item.cell["seeds"])


def _resampled(item: Result, metric: str) -> Resampled | str:
    """The record's score, or why it has none that can be paired."""

    def read(kind: str) -> Mapping[str, np.ndarray]:
        return read_arrays(item.folder, item.record.get(kind) or {})

    family = registry.load_task(item.cell["task"]).metrics
    try:
        return resampled(family, metric, read, item.record)
    except BadDataError as error:
        return error.problem


def _why_unpaired(parts: Sequence[Resampled]) -> str:
    for one in parts[1:]:
        if not np.array_equal(one.ids, parts[0].ids):
            return "the two sides hold other test samples"
        if not np.array_equal(one.patients, parts[0].patients):
            return "the two sides name other patients"
    return ""


def _same_truth(parts: Sequence[Resampled], classes: tuple[str, ...]) -> bool:
    """Whether all hold the same labels, unknown ones included; other scores have none here."""
    labels = [
        one.truth[:, [list(one.values).index(name) for name in classes]]
        for one in parts
        if one.truth is not None
    ]
    return all(np.array_equal(labels[0], one, equal_nan=True) for one in labels[1:])


def _sharpened(
    found: PairedDifference, sides: Sequence[Sequence[Resampled]], classes: tuple[str, ...]
) -> PairedDifference:
    """DeLong's p-value in place of the bootstrap's: one class, one run on each side."""
    (first, *more), (second, *others) = sides
    if more or others or len(classes) != 1 or found.interval is None:
        return found
    if first.truth is None or first.scores is None or second.scores is None:
        return found
    places = [list(one.values).index(classes[0]) for one in (first, second)]
    truth = first.truth[:, places[0]]
    if why_no_variance(truth, first.patients):
        return found
    scores = first.scores[:, places[0]], second.scores[:, places[1]]
    return with_delong(found, truth, *scores, first.patients)


def _bias_corrected(
    found: PairedDifference,
    runs: Sequence[Sequence[Replicated]],
    sides: Sequence[Sequence[Resampled]],
    classes: tuple[str, ...],
) -> PairedDifference:
    """The BCa interval in place of the percentiles."""
    (first, *more), (second, *others) = sides
    if found.difference is None or found.interval is None:
        return found
    if more or others or first.influence is None or second.influence is None:
        return _explained(found, "no BCa interval: several runs, or an average precision")
    influence = first.influence(classes) - second.influence(classes)
    drawn = runs[0][0].drawn - runs[1][0].drawn
    interval = bca_interval(drawn, found.difference, influence)
    if interval.bounds is None:
        return _explained(found, f"no BCa interval: {interval.why}")
    return replace(found, interval=interval.bounds)


def _explained(found: PairedDifference, reason: str) -> PairedDifference:
    return replace(found, why="; ".join(filter(None, (found.why, reason))))


def _one_checkpoint(side: Sequence[Result]) -> bool:
    """Whether all records are of one pre-training run, or of one file; a prior has none."""
    if all(item.cell["weights"] == "none" for item in side):
        return False
    return len({item.cell["seeds"].get("pretrain") for item in side}) == 1


def _without(metric: str, why: str) -> Comparison:
    return Comparison(metric, PairedDifference(None, why=why))
