"""Paired excess of a method over a prior that uses no model, sample by sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmark.records import read_arrays
from benchmark.reporting.cells import Measured, measured, seeds_of
from benchmark.seeds import seed_from
from benchmark.statistics.paired import paired_difference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmark.reporting.select import Result


def paired_excess(
    results: Sequence[Result], references: Sequence[Result], array: str, over: str
) -> Measured:
    """Mean difference to the reference on the same samples, with a bootstrap by patient.

    Several seeds are averaged per sample first, so that the pairing by patient stays.

    Args:
        results: Records of the method.
        references: Records of the reference, on the same block.
        array: Name of a per-sample array.
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
    first, second = _mean_by_id(results, array), _mean_by_id(references, array)
    if first is None or second is None:
        return Measured("undefined", reason=f"no per-sample `{array}` was kept")
    if set(first) != set(second):
        return Measured("undefined", reason=f"other samples than `{over}`", seeds=seeds_of(results))
    ids = sorted(first)
    difference = paired_difference(
        np.array([first[item][0] for item in ids]),
        np.array([second[item][0] for item in ids]),
        np.array([first[item][1] for item in ids]),
        seed_from("table", "paired_excess", array),
    )
    seeds = seeds_of(results)
    if difference.difference is None:
        return Measured("undefined", reason=difference.why, seeds=seeds)
    return Measured(
        "value",
        value=difference.difference,
        interval=difference.interval,
        seeds=seeds,
        verdict=difference.verdict,
    )


def _mean_by_id(results: Sequence[Result], array: str) -> dict[str, tuple[float, str]] | None:
    """Value (mean over records) and patient by sample id; None where no array is kept.

    A sample that is undefined in one record is undefined in the mean.
    """
    values: dict[str, list[float]] = {}
    patients: dict[str, str] = {}
    for result in results:
        entry = result.record.get("samples")
        if not entry:
            return None
        arrays = read_arrays(result.folder, entry)
        if array not in arrays:
            return None
        names = arrays.get("ids", np.arange(len(arrays[array])))
        triples = zip(names, arrays[array], arrays["patients"], strict=True)
        for name, value, patient in triples:
            values.setdefault(str(name), []).append(float(value))
            patients[str(name)] = str(patient)
    return {name: (float(np.mean(drawn)), patients[name]) for name, drawn in values.items()}
