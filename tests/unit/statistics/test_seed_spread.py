"""Spread over seeds, apart from the patients' error."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.statistics.seed_spread import seed_error, spread_by_axis, standard_deviation


def crossed(effects):
    """Scores of crossed seeds: an effect of each axis, added."""
    return [
        ({"pretrain": p, "subset": s, "head": h}, effects[0][p] + effects[1][s] + effects[2][h])
        for p in range(len(effects[0]))
        for s in range(len(effects[1]))
        for h in range(len(effects[2]))
    ]


def test_each_axis_shows_its_own_spread():
    effects = ([0.0, 0.1, 0.3], [0.0, 0.02], [0.0, 0.0])
    found = spread_by_axis(crossed(effects))
    assert found["pretrain"] == pytest.approx(np.std(effects[0], ddof=1))
    assert found["subset"] == pytest.approx(np.std(effects[1], ddof=1))
    assert found["head"] == pytest.approx(0, abs=1e-12)


def test_an_axis_with_one_seed_has_no_spread_which_is_not_zero():
    runs = [({"pretrain": 0, "subset": s, "head": None}, 0.1 * s) for s in range(3)]
    assert set(spread_by_axis(runs)) == {"subset"}
    assert seed_error([0.7]) is None
    assert seed_error([]) is None


def test_the_error_of_a_mean():
    error, freedom = seed_error([1.0, 2.0, 4.0])
    assert error == pytest.approx(np.std([1, 2, 4], ddof=1) / np.sqrt(3))
    assert freedom == 2
    assert standard_deviation([5.0, 5.0]) == 0
