"""DeLong's variance against its definition by pairs, by patient, and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, t

from benchmark.errors import BadDataError
from benchmark.metrics.ranking import rank_auc
from benchmark.statistics.delong import (
    auc_covariance,
    delong_interval,
    delong_test,
    why_no_variance,
)


def by_pairs(truth, scores):
    """AUC and covariance from every pair, as the definition reads; images independent."""
    tables = []
    for one in scores:
        ups, downs = one[truth == 1], one[truth == 0]
        tables.append(
            np.array([[1.0 if u > d else 0.5 if u == d else 0.0 for d in downs] for u in ups])
        )
    k, (m, n) = len(tables), tables[0].shape
    found = np.zeros((k, k))
    for a in range(k):
        for b in range(k):
            rows = np.cov(tables[a].mean(axis=1), tables[b].mean(axis=1))[0, 1]
            columns = np.cov(tables[a].mean(axis=0), tables[b].mean(axis=0))[0, 1]
            found[a, b] = rows / m + columns / n
    return np.array([table.mean() for table in tables]), found


def drawn(rng, n, positives, strength=1.0, levels=0):
    truth = np.zeros(n, dtype=int)
    truth[rng.choice(n, positives, replace=False)] = 1
    scores = rng.normal(size=n) + strength * truth
    return truth, np.round(scores * levels) if levels else scores


@given(
    seed=st.integers(0, 10_000),
    n=st.integers(6, 40),
    share=st.floats(0.2, 0.8),
    levels=st.sampled_from([0, 1, 3]),
)
def test_with_one_image_a_patient_it_is_the_definition(seed, n, share, levels):
    rng = np.random.default_rng(seed)
    positives = min(max(2, int(share * n)), n - 2)
    truth, first = drawn(rng, n, positives, levels=levels)
    second = np.round(first + rng.normal(size=n))
    auc, covariance = by_pairs(truth, [first, second])
    found = auc_covariance(truth, [first, second], np.arange(n))
    assert np.allclose(found.auc, auc)
    assert found.auc[0] == pytest.approx(float(rank_auc(truth, first)))
    assert np.allclose(found.covariance, covariance, atol=1e-12)


def test_an_image_that_is_stored_twice_adds_nothing():
    rng = np.random.default_rng(0)
    truth, scores = drawn(rng, 60, 20)
    patients = np.arange(60)
    once = auc_covariance(truth, [scores], patients)
    twice = auc_covariance(np.tile(truth, 2), [np.tile(scores, 2)], np.tile(patients, 2))
    assert twice.auc == pytest.approx(once.auc)
    assert twice.covariance == pytest.approx(once.covariance)
    naive = auc_covariance(np.tile(truth, 2), [np.tile(scores, 2)], np.arange(120))
    assert naive.covariance[0, 0] < 0.55 * once.covariance[0, 0]


def test_unknown_labels_and_their_patients_are_left_out():
    rng = np.random.default_rng(1)
    truth, scores = drawn(rng, 40, 15)
    more = np.concatenate([truth.astype(float), [np.nan, -1.0]])
    found = auc_covariance(more, [np.append(scores, [9.0, -9.0])], np.arange(42))
    wanted = auc_covariance(truth, [scores], np.arange(40))
    assert found.covariance == pytest.approx(wanted.covariance)


def test_the_interval_is_symmetric_on_the_logit_scale_and_within_bounds():
    rng = np.random.default_rng(2)
    truth, scores = drawn(rng, 30, 8, strength=2.5)
    low, high = delong_interval(truth, scores, np.arange(30)).bounds
    auc = float(rank_auc(truth, scores))
    assert 0 < low < auc < high < 1

    def logit(p):
        return np.log(p / (1 - p))

    assert logit(auc) - logit(low) == pytest.approx(logit(high) - logit(auc))
    error = np.sqrt(auc_covariance(truth, [scores], np.arange(30)).covariance[0, 0])
    # Student's point, seven degrees: one less than the eight positives.
    assert logit(high) - logit(auc) == pytest.approx(t.ppf(0.975, 7) * error / (auc * (1 - auc)))


def test_what_is_undefined_says_why():
    truth, patients = np.array([1, 1, 0, 0]), np.arange(4)
    perfect = delong_interval(truth, np.array([3.0, 2.0, 1.0, 0.0]), patients)
    assert perfect.bounds is None and "AUC of 1" in perfect.why
    one = delong_interval(np.array([1, 0, 0, 0]), np.arange(4.0), patients)
    assert one.bounds is None and "two patients with a positive" in one.why
    assert "positive" in why_no_variance(truth, np.array([0, 0, 1, 2]))
    with pytest.raises(BadDataError, match="negative"):
        auc_covariance(np.array([1, 1, 0]), [np.arange(3.0)], np.arange(3))
    with pytest.raises(BadDataError, match="one length"):
        auc_covariance(truth, [np.arange(3.0)], patients)


def test_a_paired_test_is_antisymmetric_and_knows_equal_predictors():
    rng = np.random.default_rng(3)
    truth, first = drawn(rng, 200, 60)
    second = rng.normal(size=200)
    there = delong_test(truth, first, second, np.arange(200))
    back = delong_test(truth, second, first, np.arange(200))
    assert there.difference == pytest.approx(-back.difference)
    assert there.p_value == pytest.approx(back.p_value)
    assert there.p_value < 0.001 and there.interval[0] > 0
    same = delong_test(truth, first, 2 * first, np.arange(200))
    assert (same.difference, same.standard_error, same.p_value) == (0, 0, None)


def test_an_affine_change_of_the_scores_changes_nothing():
    rng = np.random.default_rng(4)
    truth, scores = drawn(rng, 80, 30)
    plain = delong_interval(truth, scores, np.arange(80)).bounds
    assert delong_interval(truth, 3 * scores - 7, np.arange(80)).bounds == pytest.approx(plain)


@pytest.mark.full
@pytest.mark.parametrize("images", [1, 3])
def test_the_interval_covers_the_truth(images):
    """2,000 samples of 600 images, a sixth to a third of them positive, seed fixed."""
    rng = np.random.default_rng(2026)
    runs, patients, strength = 2000, 600 // images, 1.0
    true_auc = norm.cdf(strength / np.sqrt(2))
    covered = 0
    for _ in range(runs):
        truth = np.repeat(rng.random(patients) < 0.25, images).astype(int)
        own = np.repeat(rng.normal(size=patients), images)
        # Images of a patient share 0.8 of their variance.
        noise = np.sqrt(0.8) * own + np.sqrt(0.2) * rng.normal(size=patients * images)
        names = np.repeat(np.arange(patients), images)
        low, high = delong_interval(truth, noise + strength * truth, names).bounds
        covered += low <= true_auc <= high
    assert 0.93 <= covered / runs <= 0.97
