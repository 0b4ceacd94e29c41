"""`compare A B --task T`: can two baselines be told apart, and how many cases would settle it?"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from benchmark import registry
from benchmark.commands.options import add_data, names, settings_from
from benchmark.commands.output import say
from benchmark.commands.sides import FORMS, Side, no_records, side_of
from benchmark.errors import UsageError

if TYPE_CHECKING:
    from benchmark.reporting.comparison import Comparison
    from benchmark.reporting.layout import Format
    from benchmark.reporting.select import Block, Result
    from benchmark.statistics.difference import Verdict

_NOTHING_COMPARED = 3
"""Exit code of data that are missing: here values of single samples."""


@dataclass(frozen=True)
class _Pairing:
    """One test set and label fraction with the records of both sides, and their comparison."""

    block: Block
    labels: str
    comparison: Comparison
    adjusted_p: float | None = None


def add(commands: Any) -> None:
    """Register `compare`."""
    parser = commands.add_parser(
        "compare", help="difference of two baselines on the same patients, from records"
    )
    parser.add_argument(
        "first",
        metavar="A",
        help=f"a baseline, such as maco; where it has records of several kinds: {FORMS}",
    )
    parser.add_argument("second", metavar="B")
    parser.add_argument("--task", required=True, help="name, or name@variant")
    parser.add_argument("--metric", type=names, metavar="M,M", help="default: the task's headline")
    parser.add_argument("--labels", type=names, metavar="P,P", help="label percents (default: all)")
    parser.add_argument(
        "--interval",
        choices=("percentile", "bca"),
        default="percentile",
        help="of the bootstrap; bca corrects bias and skewness (default: percentile)",
    )
    parser.add_argument("--results", type=Path, metavar="DIR", help="folder of the records")
    parser.add_argument("--suite", help="default: maco")
    parser.add_argument("--corpus", metavar="NAME", help="weights pre-trained on it (default: any)")
    add_data(parser)
    parser.set_defaults(handler=run)


def run(arguments: argparse.Namespace) -> int:
    """Print one line for each test set, label fraction and metric that both sides have."""
    labels = arguments.labels
    arguments.labels = None
    settings = settings_from(arguments)
    task, _, variant = arguments.task.partition("@")
    registry.load_task(task)
    sides = side_of(arguments.first), side_of(arguments.second)
    metrics = _metrics(task, arguments.metric)
    corpus = arguments.corpus or ""
    results = _records(settings.results, settings.profile, task, variant, labels, corpus)
    for side in sides:
        if not any(side.takes(item) for item in results):
            registry.load_baseline(side.baseline)
    pairings = _pairings(results, sides, metrics, arguments.interval)
    if not pairings:
        raise no_records(results, sides, arguments.task, settings)
    if arguments.json:
        say(json.dumps([_as_json(item) for item in pairings], indent=1))
    else:
        for item in pairings:
            for line in _lines(item, arguments.first, arguments.second):
                say(line)
    compared = any(item.comparison.found.difference is not None for item in pairings)
    return 0 if compared else _NOTHING_COMPARED


def _metrics(task: str, wanted: Sequence[str] | None) -> tuple[str, ...]:
    from benchmark.reporting.comparison import metrics_of

    known = metrics_of(task)
    if not known:
        raise UsageError(
            f"Records of `{task}` cannot be compared: no values of single samples are kept."
        )
    for name in wanted or ():
        if name not in known:
            raise UsageError(
                f"`{task}` cannot be compared by `{name}`.", remedy=f"Known: {', '.join(known)}."
            )
    return tuple(dict.fromkeys(wanted)) if wanted else known[:1]


def _records(
    results: Path,
    profile: str,
    task: str,
    variant: str,
    labels: Sequence[str] | None,
    corpus: str,
) -> list[Result]:
    from benchmark.reporting.select import load_results

    return [
        item
        for item in load_results(results, profile)
        if item.cell["task"] == task
        and variant in ("", item.cell["variant"])
        and (not labels or item.labels in (*labels, "all"))
        # Sentinels, priors and files of weights have no corpus, and are compared with any.
        and (not corpus or item.corpus in ("", corpus))
    ]


def _pairings(
    results: Sequence[Result],
    sides: tuple[Side, Side],
    metrics: Sequence[str],
    interval: Literal["percentile", "bca"],
) -> list[_Pairing]:
    """Every test set and fraction on which both sides have records, compared by each metric."""
    from benchmark.reporting.comparison import Comparer
    from benchmark.reporting.select import picked
    from benchmark.statistics.multiplicity import holm

    comparer = Comparer(interval=interval)
    found = []
    for block in sorted({item.block for item in results}):
        here = [item for item in results if item.block == block]
        here = [item for item in here if any(side.takes(item) for side in sides)]
        fractions = sorted({item.labels for item in here}, key=_fraction_order)
        for fraction in fractions:
            groups = [side.group(here, fraction) for side in sides]
            if None in groups or (fraction == "all" and len(fractions) > 1):
                continue
            if groups[0] == groups[1]:
                raise UsageError("Both sides are the same records.", remedy=f"Forms: {FORMS}.")
            records = [picked(here, group, block, fraction) for group in groups if group]
            for metric in metrics:
                comparison = comparer.compare(records[0], records[1], metric)
                found.append(_Pairing(block, fraction, comparison))
    known = [item.comparison.found.p_value for item in found]
    tested = [place for place, value in enumerate(known) if value is not None]
    adjusted = dict(zip(tested, holm([known[place] or 0.0 for place in tested]), strict=True))
    return [
        _Pairing(item.block, item.labels, item.comparison, adjusted.get(place))
        for place, item in enumerate(found)
    ]


def _fraction_order(labels: str) -> float:
    return float("inf") if labels == "all" else float(labels)


def _lines(item: _Pairing, first: str, second: str) -> list[str]:
    from benchmark.reporting.cells import number

    comparison, found = item.comparison, item.comparison.found
    form: Format = "signed_3"
    where = f"{item.block.task}@{item.block.variant}, {item.block.data_id}"
    share = "" if item.labels == "all" else f", {item.labels} % of the labels"
    lines = [f"{comparison.metric}, {where}{share}"]
    if found.difference is None:
        return [*lines, f"  not compared: {found.why}", ""]
    scores = f"{first} {comparison.first:.4f}, {second} {comparison.second:.4f}"
    lines.append(
        f"  {scores}; {comparison.samples} samples, {found.patients} patients carry the score"
    )
    if found.interval is None:
        return [*lines, f"  difference {number(found.difference, form)}: {found.why}", ""]
    low, high = (number(bound, form) for bound in found.interval)
    verdict = f"{first} is {found.verdict}" if found.verdict != "unresolved" else "unresolved"
    verdict += " (but not after the correction)" if _corrected(item) != found.verdict else ""
    verdict += f" ({found.why})" if found.why else ""
    lines.append(f"  difference {number(found.difference, form)} [{low}, {high}]: {verdict}")
    corrected = "" if item.adjusted_p is None else f", Holm {_p(item.adjusted_p)}"
    lines.append(f"  p {_p(found.p_value)}{corrected} ({found.method})")
    if found.smallest_detectable is not None:
        lines.append(f"  smallest detectable difference {found.smallest_detectable:.4f}")
    lines.append(f"  {_settled(comparison)}")
    if comparison.one_checkpoint:
        lines.append("  one pre-training run on a side: this speaks of checkpoints, not of methods")
    return [*lines, ""]


def _corrected(item: _Pairing) -> Verdict:
    """The verdict with Holm's correction over the lines of the call."""
    from benchmark.statistics.multiplicity import FAMILY_LEVEL

    adjusted = item.adjusted_p
    return (
        "unresolved"
        if adjusted is None or adjusted >= FAMILY_LEVEL
        else item.comparison.found.verdict
    )


def _settled(comparison: Comparison) -> str:
    """How many cases would settle a difference of this size, or why no number would."""
    if not comparison.found.difference:
        return "the scores are equal: no number of cases would settle which is higher"
    needed = comparison.samples_to_settle
    if needed is None:
        return "no number of cases settles this: the seeds' spread is too large; run more seeds"
    text = (
        f"a difference of this size is settled (80 % power, 5 %) by {needed:,} such test samples, "
        f"{comparison.patients_to_settle:,} patients that carry the score"
    )
    return text + (" (this test set has them)" if needed <= comparison.samples else "")


def _p(value: float | None) -> str:
    if value is None:
        return "unknown"
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}"


def _as_json(item: _Pairing) -> dict[str, Any]:
    comparison, found = item.comparison, item.comparison.found
    return {
        "task": item.block.task,
        "variant": item.block.variant,
        "data_id": item.block.data_id,
        "labels": item.labels,
        "metric": comparison.metric,
        "first": comparison.first,
        "second": comparison.second,
        "difference": found.difference,
        "interval": list(found.interval) if found.interval else None,
        "p_value": found.p_value,
        "p_value_holm": item.adjusted_p,
        "method": found.method,
        "standard_error": found.standard_error,
        "smallest_detectable": found.smallest_detectable,
        "verdict": found.verdict if found.difference is not None else None,
        "verdict_holm": _corrected(item) if found.difference is not None else None,
        "samples": comparison.samples,
        "patients": found.patients,
        "samples_to_settle": comparison.samples_to_settle,
        "patients_to_settle": comparison.patients_to_settle,
        "classes": list(comparison.classes),
        "one_checkpoint": comparison.one_checkpoint,
        "why": found.why,
    }
