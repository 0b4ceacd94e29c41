"""A column may show what stands in a record's `timing`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmark.reporting.cells import measured, number
from benchmark.reporting.select import Result


def result(seed: int, timing: dict[str, Any]) -> Result:
    cell = {"seeds": {"pretrain": seed, "subset": None, "head": None}, "key": "k"}
    return Result(Path("none"), {"cell": cell, "metrics": {}, "timing": timing})


def test_a_time_is_shown_as_the_mean_over_seeds_without_an_interval() -> None:
    found = measured([result(0, {"rate": 10.0}), result(1, {"rate": 20.0})], "timing/rate")
    assert (found.state, found.value, found.interval) == ("value", 15.0, None)
    assert number(found.value or 0.0, "decimal_1") == "15.0"


def test_a_time_that_was_not_stored_is_not_run() -> None:
    found = measured([result(0, {"rate": 10.0}), result(1, {})], "timing/rate")
    assert found.state == "not_run" and "timing/rate" in found.reason
