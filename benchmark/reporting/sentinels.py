"""Do the sentinels of a table stand where they must? If not, its title says that it is broken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from benchmark.reporting.cells import NORMAL_95
from benchmark.reporting.select import Block, Group, Result, picked
from benchmark.statistics.chance import SentinelResult, examine_sentinels

if TYPE_CHECKING:
    from benchmark.reporting.layout import Column, TableLayout


def sentinel_faults(
    layout: TableLayout, results: Sequence[Result], block_of: Mapping[str, Block]
) -> list[str]:
    """What is wrong with the sentinels of one table, tested as one family; empty if they hold.

    A metric without a best value (CNR) or without a known chance level is not tested.
    """
    tests: dict[str, SentinelResult] = {}
    for row in layout.rows:
        if not row.check:
            continue
        for column in layout.columns:
            block = block_of.get(column.task)
            if block is None or column.excess_over:
                continue
            found = picked(results, Group(row.baseline, "none"), block, column.labels)
            for test in _tests(row.check, row.baseline, column, found):
                tests[test.name] = test
    return list(examine_sentinels(list(tests.values())).failures)


def _tests(
    check: str, baseline: str, column: Column, found: Iterable[Result]
) -> Iterable[SentinelResult]:
    for result in found:
        for metric in dict.fromkeys(column.metrics.values()):
            score = result.record["metrics"].get(metric)
            if score is None:
                continue
            expected = score["best"] if check == "best" else score["chance"]
            if expected is None:
                continue
            yield SentinelResult(
                name=f"`{column.task}`, `{baseline}`, {metric}",
                kind="oracle" if check == "best" else "chance",
                value=score["value"],
                expected=float(expected),
                standard_error=None if check == "best" else standard_error(result, metric),
                draws=draws(result, metric),
            )


def standard_error(result: Result, metric: str) -> float | None:
    """Of a sentinel's mean over draws, as its metrics module stored it under `selection`.

    Where it was one prediction, the width of its interval gives the error instead.
    """
    stored: Any = result.record["selection"].get("standard_error") or {}
    if stored.get(metric) is not None:
        return float(stored[metric])
    interval = result.record["metrics"][metric].get("interval")
    if interval is None:
        return None
    return float(interval[1] - interval[0]) / (2 * NORMAL_95)


def draws(result: Result, metric: str) -> int:
    """How many draws stand behind a sentinel's mean; 200 where that is not stored."""
    stored: Any = result.record["selection"].get("draws") or {}
    if isinstance(stored, Mapping):
        stored = stored.get(metric, 200)
    return int(stored)
