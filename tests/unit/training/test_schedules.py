from __future__ import annotations

import math

import pytest

from benchmark.training.schedules import WarmupConstant, WarmupCosine, WarmupLinear


def test_warm_up_is_linear_and_reaches_the_peak() -> None:
    rate = WarmupCosine(peak=0.4, steps=20, warmup_steps=4)
    assert [rate(step) for step in range(4)] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert rate(4) == pytest.approx(0.4)


def test_half_a_cosine_to_the_final_rate() -> None:
    rate = WarmupCosine(peak=1.0, steps=14, warmup_steps=4, final=0.2)
    assert rate(9) == pytest.approx(0.6)
    assert rate(7) == pytest.approx(0.2 + 0.8 * 0.5 * (1 + math.cos(0.3 * math.pi)))
    assert rate(14) == pytest.approx(0.2)
    assert rate(99) == pytest.approx(0.2)


def test_no_warm_up_and_no_steps() -> None:
    assert WarmupCosine(1.0, 10)(0) == 1.0
    assert WarmupCosine(1.0, 0)(0) == 1.0
    with pytest.raises(ValueError, match="negative"):
        WarmupCosine(1.0, 5, -1)


def test_a_straight_line_and_a_constant_after_a_warm_up() -> None:
    line = WarmupLinear(2.0, 10, 4)
    assert [line(step) for step in (0, 3, 5, 9)] == pytest.approx([0.5, 1.4, 1.0, 0.2])
    assert WarmupLinear(2.0, 10)(0) == 2.0
    flat = WarmupConstant(2.0, 4)
    assert [flat(step) for step in (0, 1, 3, 4, 100)] == [0.5, 1.0, 2.0, 2.0, 2.0]
