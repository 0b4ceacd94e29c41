"""Values as they stand in a reference page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.reporting.reference.values import float_text, value_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (50_000, "50,000"),
        (0, "0"),
        (0.0, "0"),
        (6.5e-3, "6.5e-3"),
        (1e-8, "1e-8"),
        (0.05, "0.05"),
        (256 / 224, "1.14286"),
        (-0.002, "-2e-3"),
        ("", "none"),
        ("maco_lists", "maco_lists"),
        ((), "none"),
        ((0.08, 1.0), "0.08, 1"),
        ((4, 6, 8, 12), "4, 6, 8, 12"),
        (("impression", "findings"), "impression, findings"),
        (tuple(step / 20 for step in range(-19, 20)), "-0.95 to 0.95, 0.05 apart"),
        ((8e-3, 4e-3, 2e-3, 1e-3, 5e-4, 2e-4, 1e-4, 5e-5), None),
        ({}, "none"),
        ({"1": 2000, "10": 30000, "100": 200000}, "2,000 / 30,000 / 200,000"),
        ({"100": 3, "1": 1, "10": 2}, "1 / 2 / 3"),
        ({"1": 5e-4, "10": 5e-4, "100": 5e-4}, "5e-4"),
        ({"Edema": "positive"}, "Edema positive"),
    ],
)
def test_values(value: object, text: str | None) -> None:
    if text is None:
        assert " to " not in value_text(value), "not evenly spaced"
    else:
        assert value_text(value) == text


@given(st.floats(min_value=1e-12, max_value=1e6))
def test_a_number_is_read_back(value: float) -> None:
    assert float(float_text(value)) == pytest.approx(value, rel=1e-5)
