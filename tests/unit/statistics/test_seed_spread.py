"""Spread over seeds, apart from the patients' error."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from benchmark.statistics.seed_spread import (
    difference_variances,
    half_width,
    joined,
    mean_over_runs,
    p_value,
    seed_variances,
    spread_by_axis,
    standard_deviation,
)


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
    assert [freedom for _, freedom in seed_variances(runs)] == [2]
    assert seed_variances(runs[:1]) == []


def test_runs_that_share_a_seed_share_its_error():
    effects = ([0.0], [0.0, 0.2], [0.0] * 5)
    ((of_subset, freedom), (of_head, _)) = seed_variances(crossed(effects))
    assert of_subset == pytest.approx(np.var([0.0, 0.2], ddof=1) / 2)
    assert (freedom, of_head) == (1, pytest.approx(0, abs=1e-12))


def test_the_mean_of_uneven_runs_is_that_of_the_pretrainings():
    runs = [({"pretrain": 0, "subset": s}, 1.0) for s in range(3)]
    runs.append(({"pretrain": 1, "subset": 0}, 3.0))
    assert mean_over_runs(runs) == 2.0
    assert mean_over_runs(runs[:3]) == 1.0


def test_a_difference_pairs_subsets_and_heads_and_not_pretrainings():
    effects = ([0.0, 0.1], [0.0, 0.5], [0.0])
    first, second = crossed(effects), crossed(([0.3, 0.1], *effects[1:]))
    found = difference_variances(first, second)
    # Both sides met the same subsets: their large spread drops out of the difference.
    variances = [variance for variance, _ in found]
    of_pretraining = (np.var([0.0, 0.1], ddof=1) + np.var([0.3, 0.1], ddof=1)) / 2
    assert variances == pytest.approx([of_pretraining, 0.0], abs=1e-12)
    assert found[0][1] == pytest.approx(joined([(0.0025, 1), (0.01, 1)])[1])
    others = [({**seeds, "subset": seeds["subset"] + 7}, value) for seeds, value in second]
    of_subset = difference_variances(first, others)[1][0]
    assert of_subset == pytest.approx(2 * np.var([0.0, 0.5], ddof=1) / 2)


def test_seeds_that_weigh_more_count_more():
    runs = [({"pretrain": 0, "subset": 0, "head": h}, 0.0) for h in range(8)]
    runs += [({"pretrain": 0, "subset": s, "head": 0}, 0.3) for s in (1, 2)]
    variance = np.var([0.0, 0.3, 0.3], ddof=1)
    assert seed_variances(runs)[0] == (pytest.approx(variance * (0.64 + 0.01 + 0.01)), 2)


def test_p_belongs_to_the_interval():
    parts = [(0.01, 199.0), (0.02, 1.0), (0.005, 4.0)]
    for level in (0.5, 0.9, 0.95, 0.999):
        assert p_value(parts, half_width(parts, level)) == pytest.approx(1 - level)
    student = [(0.04, 3.0)]
    assert p_value(student, 0.5) == pytest.approx(2 * stats.t.sf(2.5, 3))
    assert (p_value(parts, 0.0), p_value([(1e-30, 9.0)], 1.0)) == (1.0, 1e-12)


def test_joined_degrees_are_welchs():
    assert joined([(2.0, 4)]) == (2.0, pytest.approx(4))
    total, freedom = joined([(1.0, 3), (3.0, 5)])
    assert total == 4.0
    assert freedom == pytest.approx(16 / (1 / 3 + 9 / 5))
    assert joined([]) == (0, float("inf"))
    assert standard_deviation([5.0, 5.0]) == 0


@pytest.mark.parametrize(("pretrainings", "subsets", "heads"), [(1, 3, 5), (5, 3, 1), (3, 3, 2)])
def test_the_joined_interval_covers_whichever_axis_scatters(pretrainings, subsets, heads):
    """No error of the patients, one axis dominating: at least 92 of 100 intervals hold 0."""
    from benchmark.reporting.cells import joined_interval

    rng = np.random.default_rng(pretrainings + subsets + heads)
    for dominant in range(3):
        sizes = (pretrainings, subsets, heads)
        if sizes[dominant] == 1:
            continue
        hits = 0
        for _ in range(400):
            spread = [1.0 if axis == dominant else 0.1 for axis in range(3)]
            # An axis with one seed has no spread that a result could know of.
            effects = [
                rng.normal(size=size) * scale if size > 1 else [0.0]
                for size, scale in zip(sizes, spread, strict=True)
            ]
            runs = crossed(effects)
            low, high = joined_interval(runs, [(v, v) for _, v in runs])
            hits += low <= 0 <= high
        assert hits / 400 > 0.92, (sizes, dominant, hits / 400)
