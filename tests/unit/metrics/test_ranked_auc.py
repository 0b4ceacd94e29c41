"""AUC under resamples against loops over pairs, and against repeating the samples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import roc_auc_score

from benchmark.metrics.ranked_auc import RankedAuc, bootstrap_auc
from benchmark.metrics.ranking import rank_auc
from benchmark.statistics.bootstrap import PatientBootstrap

SCORES = arrays(np.int64, 30, elements=st.integers(-8, 8))
TRUTH = arrays(np.int64, 30, elements=st.integers(0, 1))


def auc_by_loops(truth, scores, weights):
    won = pairs = 0.0
    for i in np.flatnonzero(truth == 1):
        for j in np.flatnonzero(truth == 0):
            pair = weights[i] * weights[j]
            pairs += pair
            won += pair * (1.0 if scores[i] > scores[j] else 0.5 if scores[i] == scores[j] else 0.0)
    return won / pairs if pairs else np.nan


@settings(max_examples=40, deadline=None)
@given(TRUTH, SCORES, arrays(np.int64, (12, 3), elements=st.integers(0, 3)), st.integers(0, 99))
def test_it_equals_weighted_loops(truth, scores, by_patient, seed):
    codes = np.random.default_rng(seed).integers(0, 12, 30)
    ours = RankedAuc.of(truth, scores, codes, 12).under(by_patient.astype(np.float32))
    loops = [auc_by_loops(truth, scores, by_patient[codes, r]) for r in range(3)]
    np.testing.assert_allclose(ours, loops)


def test_it_equals_repeating_the_samples_and_scoring_each_class():
    rng = np.random.default_rng(3)
    truth, scores = rng.integers(0, 2, (40, 3)).astype(float), rng.normal(size=(40, 3))
    scores[:, 1] = np.round(scores[:, 1])
    truth[:7, 2] = np.nan
    bootstrap = PatientBootstrap.draw(rng.integers(0, 15, 40), 7, seed=5)
    drawn = bootstrap_auc(truth, scores, bootstrap)
    assert drawn.shape == (7, 3)
    for replicate in range(7):
        rows = np.repeat(np.arange(40), bootstrap.counts[replicate][bootstrap.codes])
        for column in range(3):
            known = rows[np.isfinite(truth[rows, column])]
            expected = roc_auc_score(truth[known, column], scores[known, column])
            assert drawn[replicate, column] == pytest.approx(expected)
    np.testing.assert_array_equal(drawn[:, 0], bootstrap_auc(truth[:, 0], scores[:, 0], bootstrap))


def test_pieces_of_the_replicates_join():
    rng = np.random.default_rng(1)
    truth, scores = rng.integers(0, 2, 50), rng.normal(size=50)
    bootstrap = PatientBootstrap.draw(np.arange(50), 30, seed=0)
    whole = bootstrap_auc(truth, scores, bootstrap)
    ranked = RankedAuc.of(truth, scores, bootstrap.codes, bootstrap.patients)
    pieces = [ranked.under(weights) for _, weights in bootstrap.patient_weights(400)]
    assert len(pieces) == 4
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_a_class_without_a_side_is_undefined():
    bootstrap = PatientBootstrap.draw(np.arange(6), 3, seed=0)
    assert np.isnan(bootstrap_auc(np.zeros(6), np.arange(6.0), bootstrap)).all()
    assert np.isnan(bootstrap_auc(np.ones(6), np.arange(6.0), bootstrap)).all()
    one = PatientBootstrap(np.arange(6), np.ones((1, 6), dtype=int))
    truth = np.array([0, 1, 0, 1, 1, 0])
    assert bootstrap_auc(truth, np.arange(6.0), one)[0] == rank_auc(truth, np.arange(6.0))
