"""Paired excess of a method over a prior that uses no model, sample by sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.reporting.cells import Measured, measured, seeds_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmark.reporting.comparison import Comparer
    from benchmark.reporting.select import Result


def paired_excess(
    comparer: Comparer,
    results: Sequence[Result],
    references: Sequence[Result],
    metric: str,
    over: str,
) -> Measured:
    """Mean difference to the reference on the same samples (`comparison`).

    Args:
        comparer: Makes the comparison; several seeds join their spread.
        results: Records of the method.
        references: Records of the reference, on the same block.
        metric: One of which single samples are kept.
        over: Baseline name of the reference, for messages.

    Returns:
        A cell whose verdict is `unresolved` where the difference is below the smallest
        detectable one.
    """
    state = measured(results, "")
    if not results or state.state == "ambiguous":
        return state
    if not references:
        return Measured("not_run", reason=f"`{over}` has no record to compare with")
    found = comparer.compare(results, references, metric).found
    seeds = seeds_of(results)
    if found.difference is None:
        return Measured("undefined", reason=f"over `{over}`: {found.why}", seeds=seeds)
    return Measured(
        "value",
        value=found.difference,
        interval=found.interval,
        reason=found.why,
        seeds=seeds,
        verdict=found.verdict,
    )
