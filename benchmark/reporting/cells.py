"""What one table cell says: a mean with its interval, or why there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from benchmark.reporting.protocol import why_not_averaged
from benchmark.statistics.bootstrap import LEVEL
from benchmark.statistics.seed_spread import (
    half_width,
    mean_over_runs,
    seed_variances,
    spread_by_axis,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmark.reporting.layout import Format
    from benchmark.reporting.select import Result
    from benchmark.statistics.seed_spread import Runs

CellState = Literal["value", "undefined", "not_run", "failed", "not_applicable", "ambiguous"]
TIMING = "timing/"
NO_SUCH_SCORE = "its predictions have no such score"
NORMAL_95 = 1.959963984540054
AXES = (("pretrain", "p"), ("subset", "s"), ("head", "h"))


@dataclass(frozen=True)
class Measured:
    """One cell of a generated table.

    Attributes:
        value: Mean over the seeds; None in every state but `value`.
        interval: 95 %; None where one of the records has none.
        reason: Why there is no value; beside a value, what it does not cover.
        seeds: Values by axis (`pretrain`, `subset`, `head`), each sorted.
        verdict: Of a paired difference: `higher`, `lower`, `unresolved`; else empty.
        sampling: 95 % interval of the patients' error alone, where several seeds widen
            `interval`; None for a single run, whose interval is just that.
        spread: Standard deviation over the seeds of an axis that has several.
    """

    state: CellState
    value: float | None = None
    interval: tuple[float, float] | None = None
    reason: str = ""
    seeds: Mapping[str, tuple[int, ...]] | None = None
    verdict: str = ""
    sampling: tuple[float, float] | None = None
    spread: Mapping[str, float] = field(default_factory=dict)

    @property
    def pretraining_seeds(self) -> int:
        """How many pre-training seeds stand behind the value."""
        return len((self.seeds or {}).get("pretrain", ()))


def seeds_of(results: Sequence[Result]) -> dict[str, tuple[int, ...]]:
    """The seeds of several records by axis, without the axes that none of them has."""
    by_axis = {
        axis: {item.cell["seeds"].get(axis) for item in results} - {None} for axis, _ in AXES
    }
    return {axis: tuple(sorted(values)) for axis, values in by_axis.items() if values}


def seeds_text(seeds: Mapping[str, tuple[int, ...]]) -> str:
    """Such as `p0,1 s0 h0`; a dash for a predictor without seeds."""
    parts = [
        f"{letter}{','.join(map(str, seeds[axis]))}" for axis, letter in AXES if seeds.get(axis)
    ]
    return " ".join(parts) or "–"


def measured(results: Sequence[Result], metric: str) -> Measured:
    """One metric of one baseline, over all its seeds.

    Seeds of the same pre-training run are averaged first. The interval of one record is its own
    patient bootstrap; see `joined_interval` for several.

    Args:
        results: One record for each set of seeds, as `select.picked` gives them.
        metric: Name in the records; `timing/NAME` for an entry of their `timing`.
    """
    if not results:
        return Measured("not_run")
    seeds = seeds_of(results)
    several = why_not_averaged(results)
    if several:
        return Measured("ambiguous", reason=several)
    found = [_score(item, metric) for item in results]
    scores = [score for score in found if score is not None]
    if not scores and not metric.startswith(TIMING):
        return Measured("not_applicable", reason=NO_SUCH_SCORE)
    if len(scores) < len(found):
        return Measured("not_run", reason=f"a record does not hold the metric `{metric}`")
    for score in scores:
        if score["value"] is None:
            return Measured("undefined", reason=score.get("why") or "no reason stored", seeds=seeds)
    return _joined(results, scores, seeds)


def _score(result: Result, metric: str) -> Mapping[str, Any] | None:
    if not metric.startswith(TIMING):
        score: Mapping[str, Any] | None = result.record["metrics"].get(metric)
        return score
    value = (result.record.get("timing") or {}).get(metric.removeprefix(TIMING))
    return None if value is None else {"value": value}


def _joined(
    results: Sequence[Result],
    scores: Sequence[Mapping[str, Any]],
    seeds: Mapping[str, tuple[int, ...]],
) -> Measured:
    runs = [
        (item.cell["seeds"], float(score["value"]))
        for item, score in zip(results, scores, strict=True)
    ]
    intervals = [score.get("interval") for score in scores]
    bests = {score.get("best") for score in scores}
    best = bests.pop() if len(bests) == 1 else None
    return Measured(
        "value",
        value=mean_over_runs(runs),
        interval=joined_interval(runs, intervals, best),
        reason="; ".join(sorted({gap for score in scores for gap in _gaps(score)})),
        seeds=seeds,
        sampling=sampling_interval(runs, intervals, best) if len(results) > 1 else None,
        spread=spread_by_axis(runs),
    )


def _gaps(score: Mapping[str, Any]) -> list[str]:
    """What a value leaves out: classes without a score, or the interval and its reason."""
    gaps = [score["why"]] if score.get("why") else []
    undefined = score.get("why_per_class") or {}
    if undefined:
        classes = len(score.get("per_class") or {})
        named = ", ".join(f"{name} ({why})" for name, why in sorted(undefined.items()))
        gaps.append(f"mean over {score['n']} of {classes} classes; undefined: {named}")
    return gaps


def joined_interval(
    runs: Runs, intervals: Sequence[Sequence[float] | None], best: float | None = None
) -> tuple[float, float] | None:
    """95 % interval of the mean over seeds.

    One record keeps its own interval. For several, independent errors are joined by the squares of
    their distances from the mean, below it and above it apart: that of the patients
    (`sampling_interval`), and for each seed axis with several seeds (`seed_variances`) its standard
    error times Student's 97.5 % point. The interval is cut where the metric ends.

    Args:
        runs: Seeds and value of each record.
        intervals: Patient interval of each record; with one missing there is no interval.
        best: Best value of a metric that runs from 0 to it; None for one without bounds.
    """
    if len(intervals) == 1:
        return sampling_interval(runs, intervals, best)
    patients = sampling_interval(runs, intervals)
    if patients is None:
        return None
    centre = mean_over_runs(runs)
    seeds = half_width(seed_variances(runs), LEVEL)
    low = centre - math.hypot(centre - patients[0], seeds)
    high = centre + math.hypot(patients[1] - centre, seeds)
    return _cut(low, high, best)


def sampling_interval(
    runs: Runs, intervals: Sequence[Sequence[float] | None], best: float | None = None
) -> tuple[float, float] | None:
    """95 % interval of the patients' error alone.

    Of several records: the root mean square of their own distances, below and above, about the
    mean. It does not shrink with more seeds, since all of them meet the same patients.
    """
    known = [(float(item[0]), float(item[1])) for item in intervals if item is not None]
    if len(known) != len(intervals) or not known:
        return None
    if len(known) == 1:
        return known[0]
    centre = mean_over_runs(runs)
    below = [value - low for (_, value), (low, _) in zip(runs, known, strict=True)]
    above = [high - value for (_, value), (_, high) in zip(runs, known, strict=True)]
    return _cut(centre - _root_mean_square(below), centre + _root_mean_square(above), best)


def _root_mean_square(values: Sequence[float]) -> float:
    return math.sqrt(sum(value**2 for value in values) / len(values))


def _cut(low: float, high: float, best: float | None) -> tuple[float, float]:
    return (low, high) if best is None else (max(0.0, low), min(best, high))


def number(value: float, form: Format) -> str:
    """A value as the papers print it: percent with one decimal, or one or three decimals."""
    if form == "percent_1":
        text = f"{100 * value:.1f}"
    elif form == "decimal_1":
        text = f"{value:.1f}"
    elif form == "signed_3":
        text = f"{value:+.3f}"
    elif form == "signed_percent_1":
        text = f"{100 * value:+.1f}"
    else:
        text = f"{value:.3f}"
    return text.replace("-", "−") if float(text) else text.replace("-", "")


def value_text(cell: Measured, form: Format) -> str:
    """`71.3 [68.9, 73.6]`, then the spread over seeds, or the verdict of a paired difference."""
    assert cell.value is not None
    text = number(cell.value, form)
    if cell.interval is not None:
        low, high = (number(bound, form) for bound in cell.interval)
        text += f" [{low}, {high}]"
    if cell.spread:
        text += f", {spread_text(cell.spread, form)}"
    return f"{text} {cell.verdict}".rstrip()


def spread_text(spread: Mapping[str, float], form: Format) -> str:
    """`sd p 0.4 s 0.2`: the standard deviation over pre-training, subset and head seeds."""
    parts = [
        f"{letter} {number(spread[axis], form).lstrip('+')}"
        for axis, letter in AXES
        if axis in spread
    ]
    return "sd " + " ".join(parts)
