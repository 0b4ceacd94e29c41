"""Bootstrap by patient: draws, means, intervals and their coverage."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.errors import BadDataError
from benchmark.statistics.bootstrap import PatientBootstrap, mean_interval, percentile_interval


def test_patients_are_drawn_whole():
    patients = np.array(["b", "a", "b", "c", "a", "b"])
    bootstrap = PatientBootstrap.draw(patients, 100, seed=1)
    assert bootstrap.patients == 3
    assert (bootstrap.counts.sum(axis=1) == 3).all()
    for _, weights in bootstrap.sample_weights(largest_chunk=50):
        np.testing.assert_array_equal(weights[0], weights[2])
        np.testing.assert_array_equal(weights[1], weights[4])


def test_pieces_cover_all_replicates():
    bootstrap = PatientBootstrap.draw(np.arange(10), 33, seed=1)
    pieces = list(bootstrap.sample_weights(largest_chunk=70))
    assert len(pieces) == 5
    together = np.concatenate([weights for _, weights in pieces], axis=1)
    np.testing.assert_array_equal(together.T, bootstrap.counts)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 30))
def test_means_equal_repeating_the_samples(seed, n):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, 2))
    values[0, 0] = np.nan
    bootstrap = PatientBootstrap.draw(rng.integers(0, 6, n), 5, seed)
    means = bootstrap.means(values)
    for replicate in range(5):
        rows = np.repeat(np.arange(n), bootstrap.counts[replicate][bootstrap.codes])
        for column in range(2):
            known = values[rows, column][np.isfinite(values[rows, column])]
            expected = known.mean() if len(known) else np.nan
            np.testing.assert_allclose(means[replicate, column], expected)
    np.testing.assert_allclose(bootstrap.means(values[:, 1]), means[:, 1])


def test_same_seed_same_draws_in_any_order_of_samples():
    patients = np.array(["x", "y", "z", "y"])
    first, second = (PatientBootstrap.draw(p, 9, 4) for p in (patients, patients[::-1]))
    np.testing.assert_array_equal(first.counts, second.counts)
    assert not np.array_equal(first.counts, PatientBootstrap.draw(patients, 9, 5).counts)


def test_percentile_interval_drops_and_counts_undefined_replicates():
    drawn = np.concatenate([np.arange(101.0), np.full(50, np.nan)])
    interval = percentile_interval(drawn)
    assert interval.bounds == pytest.approx((2.5, 97.5))
    assert (interval.defined, interval.undefined) == (101, 50)
    rare = percentile_interval(np.concatenate([np.arange(40.0), np.full(60, np.nan)]))
    assert rare.bounds is None
    assert "40 of 100" in rare.why
    assert percentile_interval(np.zeros(0)).bounds is None


def test_no_patient_is_an_error():
    with pytest.raises(BadDataError):
        PatientBootstrap.draw(np.array([]), 10, 0)


def test_what_is_redrawn_keeps_the_draws_that_were_complete():
    patients, cases = np.arange(30), np.zeros((30, 1), dtype=bool)
    cases[4] = True
    plain = PatientBootstrap.draw(patients, 200, 1)
    found = PatientBootstrap.draw(patients, 200, 1, cases)
    complete = plain.counts[plain.counts[:, 4] > 0]
    np.testing.assert_array_equal(found.counts[: len(complete)], complete)
    assert found.counts[:, 4].min() == 1
    missing = 200 - len(complete)
    assert missing <= found.redrawn <= 3 * missing
    everywhere = PatientBootstrap.draw(patients, 200, 1, np.ones((30, 1), dtype=bool))
    assert everywhere.redrawn == 0
    np.testing.assert_array_equal(everywhere.counts, plain.counts)


def test_where_half_would_be_redrawn_the_draws_stay_as_they_fall():
    patients, cases = np.arange(30), np.zeros((30, 3), dtype=bool)
    cases[[1, 2, 3], [0, 1, 2]] = True
    found = PatientBootstrap.draw(patients, 100, 1, cases)
    assert found.redrawn == 0
    plain = PatientBootstrap.draw(patients, 100, 1)
    np.testing.assert_array_equal(found.counts, plain.counts)
    unasked = PatientBootstrap.draw(patients, 100, 1, np.zeros((30, 2), dtype=bool))
    np.testing.assert_array_equal(unasked.counts, plain.counts)


def test_clustered_samples_widen_the_interval():
    rng = np.random.default_rng(0)
    effect = rng.normal(size=60)
    values = np.repeat(effect, 10) + rng.normal(size=600) * 0.1
    by_patient = mean_interval(values, np.repeat(np.arange(60), 10), 0, 500).bounds
    by_image = mean_interval(values, np.arange(600), 0, 500).bounds
    assert by_patient[1] - by_patient[0] > 2 * (by_image[1] - by_image[0])


def test_interval_covers_the_truth_about_95_times_in_100():
    rng = np.random.default_rng(2)
    hits = 0
    for trial in range(300):
        values = np.repeat(rng.normal(size=40), 2)
        low, high = mean_interval(values, np.repeat(np.arange(40), 2), trial, 300).bounds
        hits += low <= 0 <= high
    assert 0.90 <= hits / 300 <= 0.985
