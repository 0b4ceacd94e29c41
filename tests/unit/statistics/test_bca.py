"""BCa intervals against scipy's, and influence values against leaving patients out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from benchmark.metrics.ranked_auc import bootstrap_auc
from benchmark.metrics.ranking import rank_auc
from benchmark.statistics.bca import auc_influence, bca_interval, mean_influence
from benchmark.statistics.bootstrap import PatientBootstrap, percentile_interval


def test_it_is_scipys_on_the_same_replicates():
    rng = np.random.default_rng(0)
    values = rng.exponential(size=60)
    theirs = stats.bootstrap(
        (values,), np.mean, method="BCa", n_resamples=999, rng=np.random.default_rng(1)
    )
    jackknife = np.array([np.delete(values, i).mean() for i in range(60)])
    ours = bca_interval(theirs.bootstrap_distribution, values.mean(), -jackknife)
    assert ours.bounds == pytest.approx(tuple(theirs.confidence_interval), rel=1e-6)
    by_influence = bca_interval(
        theirs.bootstrap_distribution, values.mean(), mean_influence(values, np.arange(60))
    )
    assert by_influence.bounds == pytest.approx(ours.bounds)


def test_without_bias_and_skewness_it_is_the_percentile_interval():
    drawn = np.linspace(-1, 1, 2001)
    influence = np.array([-1.0, 1.0] * 20)
    assert bca_interval(drawn, 0.0, influence).bounds == pytest.approx(
        percentile_interval(drawn).bounds, abs=1e-3
    )


def test_what_has_no_percentiles_has_no_bca_and_says_why():
    drawn = np.full(100, np.nan)
    drawn[:20] = 0.5
    assert "20 of 100" in bca_interval(drawn, 0.5, np.arange(5.0)).why
    one_side = bca_interval(np.linspace(0, 1, 50), 2.0, np.arange(5.0))
    assert one_side.bounds is None and "one side" in one_side.why


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_influence_on_an_auc_is_proportional_to_leaving_a_patient_out(seed):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, (400, 2)).astype(float)
    scores = np.round(rng.normal(size=(400, 2)) + truth, 1)
    patients = np.repeat(np.arange(200), 2)
    influence = auc_influence(truth, scores, patients)
    whole = np.mean([rank_auc(truth[:, c], scores[:, c]) for c in range(2)])
    for patient in rng.choice(200, 5, replace=False):
        kept = patients != patient
        without = np.mean([rank_auc(truth[kept, c], scores[kept, c]) for c in range(2)])
        assert whole - without == pytest.approx(influence[patient], abs=3e-4)


def test_a_class_without_a_side_has_no_influence():
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 2, (50, 1)).astype(float)
    scores = rng.normal(size=(50, 1))
    both = np.column_stack([truth, np.zeros(50)]), np.column_stack([scores, scores])
    alone = auc_influence(truth, scores, np.arange(50))
    np.testing.assert_allclose(auc_influence(*both, np.arange(50)), alone)
    assert alone.sum() == pytest.approx(0, abs=1e-12)


@pytest.mark.full
def test_both_intervals_of_an_auc_cover_the_truth():
    """2,000 samples of 500 patients, at least 100 of them positive, 400 resamples each."""
    rng = np.random.default_rng(2026)
    runs, patients = 2000, 500
    true_auc = stats.norm.cdf(1.0 / np.sqrt(2))
    covered = np.zeros(2)
    for run in range(runs):
        truth = np.zeros(patients)
        truth[: rng.integers(100, 200)] = 1
        scores = rng.normal(size=patients) + truth
        bootstrap = PatientBootstrap.draw(np.arange(patients), 400, run)
        drawn = bootstrap_auc(truth, scores, bootstrap)
        influence = auc_influence(truth[:, None], scores[:, None], np.arange(patients))
        estimate = float(rank_auc(truth, scores))
        intervals = percentile_interval(drawn), bca_interval(drawn, estimate, influence)
        covered += [low <= true_auc <= high for low, high in (one.bounds for one in intervals)]
    assert (covered / runs >= 0.93).all() and (covered / runs <= 0.97).all(), covered / runs
