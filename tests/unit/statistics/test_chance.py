"""The family-wise test of sentinels."""

import numpy as np
import pytest
from scipy import stats

from benchmark.statistics.chance import (
    SentinelResult,
    examine_sentinels,
    limit_standard_errors,
)


def chance(value, error=0.01, draws=200):
    return SentinelResult("table/chance/auc", "chance", value, 0.5, error, draws)


def test_chance_within_four_standard_errors_holds():
    assert examine_sentinels([chance(0.539)]).holds
    verdict = examine_sentinels([chance(0.545)])
    assert not verdict.holds
    assert "table/chance/auc" in verdict.failures[0]
    assert verdict.limit_standard_errors == 4


def test_oracle_must_be_exact():
    assert examine_sentinels([SentinelResult("o", "oracle", 1.0, 1.0)]).holds
    assert not examine_sentinels([SentinelResult("o", "oracle", 0.9999, 1.0)]).holds
    assert not examine_sentinels([SentinelResult("o", "oracle", None, 1.0)]).holds


def test_missing_standard_error_fails_unless_exact():
    assert not examine_sentinels([SentinelResult("c", "chance", 0.6, 0.5)]).holds
    assert examine_sentinels([chance(0.5, error=0.0)]).holds


def test_limit_grows_with_the_family_and_with_few_draws():
    assert limit_standard_errors(1) == 4
    assert limit_standard_errors(0) == 4
    assert limit_standard_errors(1000) > 4.5
    assert limit_standard_errors(1, draws=20) == 4
    assert limit_standard_errors(10, draws=200) == 4
    assert limit_standard_errors(10, draws=20) == stats.t.isf(0.001 / 20, 19)


@pytest.mark.parametrize("draws", [20, 200])
def test_sound_families_break_less_than_once_in_a_thousand(draws):
    family = 40
    limit = limit_standard_errors(family, draws)
    assert family * 2 * stats.t.sf(limit, draws - 1) <= 0.001 + 1e-9
    rng = np.random.default_rng(0)
    broken = 0
    for _ in range(200):
        values = rng.normal(0.5, 0.1, size=(family, draws))
        errors = values.std(axis=1, ddof=1) / np.sqrt(draws)
        results = [chance(v, e, draws) for v, e in zip(values.mean(axis=1), errors, strict=True)]
        broken += not examine_sentinels(results).holds
    assert broken <= 2
