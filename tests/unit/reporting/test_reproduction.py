"""The rule by which a paper's number counts as reproduced."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.reporting.cells import Measured
from benchmark.reporting.reproduction import (
    NO_MARGIN,
    ONE_FILE,
    ONE_RUN,
    TOO_WIDE,
    reproduction,
    rounding_of,
)

SEEDS = {"pretrain": (0, 1, 2)}


def verdict(value, half, printed=0.9, margin=0.01, seeds=SEEDS, **more):
    interval = None if half is None else (value - half, value + half)
    cell = Measured("value", value=value, interval=interval, seeds=seeds)
    return reproduction(cell, printed, 0.0005, margin, **more)


@pytest.mark.parametrize(
    ("value", "half", "expected"),
    [
        (0.900, 0.005, "reproduced"),
        (0.905, 0.005, "reproduced"),
        (0.905, 0.008, "unresolved"),  # reaches beyond the margin
        (0.900, 0.030, "unresolved"),  # wider than the margin
        (0.930, 0.030, "unresolved"),  # holds the printed number
        (0.9306, 0.030, "differs"),
        (0.912, 0.005, "differs"),
        (0.908, 0.001, "reproduced"),
        (0.850, 0.020, "differs"),
    ],
)
def test_the_rule(value, half, expected):
    assert verdict(value, half)[0] == expected


def test_what_is_never_said():
    assert reproduction(Measured("not_run"), 0.9, 0.0, 0.01)[0] == "not measured"
    assert verdict(0.9, 0.001, incomparable="the split leaks: x") == (
        "not comparable",
        "the split leaks: x",
    )
    assert verdict(0.5, 0.001, incomparable="phantom data")[0] == "not comparable"
    assert verdict(0.9, 0.001, margin=None) == ("unresolved", NO_MARGIN)
    assert verdict(0.9, None)[0] == "unresolved"


@pytest.mark.parametrize("why", [ONE_RUN, ONE_FILE])
def test_one_run_neither_reproduces_nor_differs(why):
    assert verdict(0.9, 0.001, single_run=why) == ("unresolved", why)
    assert verdict(0.8, 0.001, single_run=why) == ("unresolved", why)
    assert verdict(0.9, 0.03, single_run=why) == ("unresolved", TOO_WIDE)


def test_the_bounds_count_and_not_half_of_their_distance():
    """A bootstrap interval is longer on one side of its value."""
    cell = Measured("value", value=0.95, interval=(0.90, 0.96), seeds=SEEDS)
    assert reproduction(cell, 0.905, 0.0005, 0.01)[0] == "unresolved"
    assert reproduction(cell, 0.975, 0.0005, 0.01)[0] == "differs"


def test_a_count_is_exact_without_interval_and_seeds():
    assert verdict(0.9, None, exact=True, single_run=ONE_RUN) == ("reproduced", "")
    assert verdict(0.92, None, exact=True)[0] == "differs"
    assert verdict(0.9, None, exact=True, incomparable="phantom data")[0] == "not comparable"


@given(st.floats(0, 1), st.floats(0, 0.2), st.floats(0.5, 1), st.floats(0.001, 0.1))
def test_the_verdicts_exclude_each_other(value, half, printed, margin):
    found, why = verdict(value, half, printed, margin)
    distance = abs(value - printed)
    if found == "reproduced":
        assert distance <= margin + 0.0005 and half <= margin + 0.0005
    if found == "differs":
        assert distance > half and distance > margin
    assert (found == "unresolved") == bool(why)


def test_rounding_is_half_of_the_last_digit():
    assert rounding_of("91.5", 0.01) == pytest.approx(0.0005)
    assert rounding_of("0.268", 1.0) == pytest.approx(0.0005)
    assert rounding_of("92", 0.01) == pytest.approx(0.005)
