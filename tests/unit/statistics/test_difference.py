"""Differences of sets of runs: seeds, few patients, how many cases would settle it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from benchmark.statistics.bootstrap import PatientBootstrap
from benchmark.statistics.difference import (
    WITH_SEEDS,
    Replicated,
    difference_of,
    from_replicates,
)
from benchmark.statistics.paired import paired_auc_difference


def runs_of(means, bootstrap, noise=0.0, rng=None):
    """Runs whose per-patient values are a shared effect, their mean, and own noise."""
    found = []
    shared = np.random.default_rng(99).normal(size=bootstrap.patients)
    for unit, mean in enumerate(means):
        own = 0 if rng is None else rng.normal(size=bootstrap.patients) * noise
        values = shared + mean + own
        seeds = {"pretrain": unit, "subset": None, "head": None}
        found.append(Replicated(float(values.mean()), bootstrap.means(values), seeds))
    return found


@pytest.fixture(scope="module")
def bootstrap():
    return PatientBootstrap.draw(np.arange(200), 500, 0)


def test_one_run_on_each_side_is_the_plain_bootstrap(bootstrap):
    rng = np.random.default_rng(1)
    first, second = runs_of([0.3, 0.0], bootstrap, 0.5, rng)
    found = difference_of([first], [second], 1, 200)
    drawn = first.drawn - second.drawn
    assert found.difference == pytest.approx(first.value - second.value)
    assert found.interval == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])))
    assert found.p_value == pytest.approx(
        2 * stats.norm.sf(abs(found.difference) / drawn.std(ddof=1))
    )
    assert found.verdict == "higher"


def test_seeds_widen_the_interval_as_welch_says(bootstrap):
    first, second = runs_of([0.1, 0.4, 0.7], bootstrap), runs_of([0.0, 0.1], bootstrap)
    found = difference_of(first, second, 1, 200)
    # Per-patient values differ by constants: the patients' error of the difference is zero.
    sides = [[run.value for run in side] for side in (first, second)]
    error = np.sqrt(np.var(sides[0], ddof=1) / 3 + np.var(sides[1], ddof=1) / 2)
    welch = stats.ttest_ind(*sides, equal_var=False)
    assert found.standard_error == pytest.approx(error)
    assert found.p_value == pytest.approx(welch.pvalue)
    assert found.interval == pytest.approx(tuple(welch.confidence_interval()))
    assert found.verdict == "unresolved"
    assert found.method == WITH_SEEDS


def test_runs_of_one_pretraining_repeat_the_head_and_not_the_method(bootstrap):
    (one, two) = runs_of([0.2, 0.4], bootstrap)
    twice = [Replicated(run.value, run.drawn, {"pretrain": 0, "head": h}) for h, run in
             enumerate((one, two))]  # fmt: skip
    reference = [Replicated(run.value, run.drawn, {"pretrain": 0, "head": 0}) for run in
                 runs_of([0.0], bootstrap)]  # fmt: skip
    found = difference_of(twice, reference, 1, 200)
    assert found.difference == pytest.approx(0.3)
    # Two heads, one degree: 12.7 standard errors of 0.1.
    half = (found.interval[1] - found.interval[0]) / 2
    assert half == pytest.approx(12.7062 * 0.1, rel=1e-3)


def test_few_patients_give_no_verdict():
    found = from_replicates(0.5, np.random.default_rng(0).normal(0.5, 0.01, 500), 29, 29)
    assert found.verdict == "unresolved" and "fewer than 30 patients" in found.why
    enough = from_replicates(0.5, np.random.default_rng(0).normal(0.5, 0.01, 500), 30, 30)
    assert (enough.verdict, enough.why) == ("higher", "")


def test_a_difference_that_never_scatters_has_no_error_and_no_verdict():
    found = from_replicates(0.5, np.full(500, 0.5), 100, 100)
    assert (found.interval, found.p_value, found.verdict) == (None, None, "unresolved")
    assert "its error is not known" in found.why
    same = from_replicates(0.0, np.zeros(500), 100, 100)
    assert (same.p_value, same.verdict, same.settling_factor) == (1.0, "unresolved", None)


def test_settling_factor_is_the_textbook_sample_size():
    drawn = np.random.default_rng(0).normal(0.02, 0.01, 4000)
    found = from_replicates(0.02, drawn, 100, 100)
    factor = ((1.959964 + 0.841621) * found.standard_error / 0.02) ** 2
    assert found.settling_factor == pytest.approx(factor, rel=1e-5)
    # However clear, fewer than 30 patients settle nothing.
    assert from_replicates(1.0, drawn + 1, 300, 300).settling_factor == pytest.approx(0.1)


def test_no_number_of_patients_settles_what_the_seeds_scatter(bootstrap):
    first, second = runs_of([0.0, 0.4, 0.8], bootstrap), runs_of([0.1, 0.2], bootstrap)
    found = difference_of(first, second, 1, 200)
    assert found.seeds_half_width > 0 and found.settling_factor is None
    steady = replace(found, seeds_half_width=0.01, patients_error=0.1, difference=0.2)
    reach = 1.96 / 2.801585 * 0.2
    assert steady.settling_factor == pytest.approx(0.196**2 / (reach**2 - 0.01**2))


def test_settled_by_what_there_is_means_told_apart(bootstrap):
    """Where fewer cases than there are would do, the verdict is no `unresolved`."""
    rng = np.random.default_rng(11)
    settled = 0
    for _ in range(300):
        means = [rng.normal(0.3, 0.1, rng.integers(1, 5)), rng.normal(0, 0.1, rng.integers(1, 5))]
        sides = [runs_of(side, bootstrap, 0.5, rng) for side in means]
        found = difference_of(*sides, 1, 200)
        if found.settling_factor is not None and found.settling_factor <= 1:
            settled += 1
            assert found.verdict != "unresolved"
    assert settled > 50


def test_under_ten_patients_there_is_no_interval_and_no_p():
    found = from_replicates(0.5, np.random.default_rng(0).normal(0.5, 0.01, 500), 9, 9)
    assert (found.interval, found.p_value, found.verdict) == (None, None, "unresolved")
    assert "fewer than 10 patients (9)" in found.why


@pytest.mark.parametrize(("seeds", "ratio"), [(2, 0.3), (2, 0.5), (3, 0.3), (5, 0.3)])
def test_equal_methods_are_seldom_told_apart(seeds, ratio):
    """A method of some seeds against a prior without any: at most 6.5 % instead of 5."""
    rng = np.random.default_rng([seeds, int(10 * ratio)])
    wrong = 0
    for _ in range(1000):
        effects = rng.normal(size=seeds)
        of_patients = ratio * rng.normal() / np.sqrt(seeds)
        noise = ratio / np.sqrt(seeds) * rng.normal(size=400)
        runs = [
            Replicated(effect + of_patients, effect + of_patients + noise, {"pretrain": number})
            for number, effect in enumerate(effects)
        ]
        prior = [Replicated(0.0, np.zeros(400), {"pretrain": None})]
        wrong += difference_of(runs, prior, 1, 200).verdict != "unresolved"
    assert wrong <= 65


@pytest.mark.full
def test_so_many_patients_do_settle_it():
    """With the patients that a pilot asks for, four of five studies find the difference."""
    rng = np.random.default_rng(7)
    shift, pilot = 0.15, 400
    factors = []
    for trial in range(20):
        gain = rng.normal(shift, 1.0, pilot)
        drawn = PatientBootstrap.draw(np.arange(pilot), 300, trial).means(gain)
        error = from_replicates(shift, drawn, pilot, pilot)
        factors.append(error.settling_factor)
    needed = int(np.mean(factors) * pilot)
    found = 0
    for _ in range(1000):
        gain = rng.normal(shift, 1.0, needed)
        found += abs(gain.mean()) / (gain.std(ddof=1) / np.sqrt(needed)) > 1.96
    assert 0.75 < found / 1000 < 0.85


def test_one_class_has_delongs_test():
    rng = np.random.default_rng(5)
    truth = (rng.random((300, 1)) < 0.4).astype(float)
    first = truth + rng.normal(size=truth.shape)
    second = truth + rng.normal(size=truth.shape)
    found = paired_auc_difference(truth, first, second, np.arange(300), 0, 400)
    assert "DeLong" in found.method
    several = np.column_stack([truth, 1 - truth])
    both = paired_auc_difference(
        several, np.column_stack([first, -first]), np.column_stack([second, -second]),
        np.arange(300), 0, 400,
    )  # fmt: skip
    assert "DeLong" not in both.method
    assert both.difference == pytest.approx(found.difference)
    assert both.p_value == pytest.approx(found.p_value, abs=0.06)
