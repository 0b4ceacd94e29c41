from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmark.errors import UsageError
from benchmark.training.batches import BatchPlan

sizes = st.integers(1, 40)


def stream(plan: BatchPlan, batches: int) -> list[np.ndarray]:
    places = (divmod(number, plan.accumulation) for number in range(batches))
    return [plan.rows(step, micro_step) for step, micro_step in places]


@given(samples=sizes, batch=sizes, accumulation=st.integers(1, 5), epochs=st.integers(1, 3))
def test_every_sample_once_an_epoch(
    samples: int, batch: int, accumulation: int, epochs: int
) -> None:
    plan = BatchPlan(samples, batch, ("test", 0), accumulation)
    per_epoch = plan.batches_per_epoch
    batches = stream(plan, per_epoch * epochs)
    for epoch in range(epochs):
        seen = np.concatenate(batches[epoch * per_epoch : (epoch + 1) * per_epoch])
        assert sorted(seen) == list(range(samples))


@given(samples=sizes, batch=sizes)
def test_drop_last_gives_full_batches_without_repeats(samples: int, batch: int) -> None:
    if samples < batch:
        with pytest.raises(UsageError, match="do not fill"):
            BatchPlan(samples, batch, ("test",), drop_last=True)
        return
    plan = BatchPlan(samples, batch, ("test",), drop_last=True)
    batches = stream(plan, plan.batches_per_epoch)
    assert all(len(rows) == batch for rows in batches)
    joined = np.concatenate(batches)
    assert len(set(joined)) == len(joined)


def test_a_leftover_batch_makes_no_extra_step() -> None:
    plan = BatchPlan(40, 8, ("test",), accumulation=2, drop_last=True)
    assert plan.batches_per_epoch == 5
    assert plan.steps_for(1) == 2
    assert plan.steps_for(2) == 5
    assert plan.steps_for(3) == 7
    assert plan.steps_for(0) == 0
    assert plan.steps_for(0.01) == 1


def test_rows_do_not_depend_on_what_was_asked_before() -> None:
    forward, backward = (BatchPlan(23, 4, ("test", 7)) for _ in range(2))
    expected = [forward.rows(step) for step in range(20)]
    for step in reversed(range(20)):
        assert np.array_equal(backward.rows(step), expected[step])


def test_epochs_and_seeds_differ() -> None:
    plan = BatchPlan(50, 50, ("test", 0))
    assert not np.array_equal(plan.rows(0), plan.rows(1))
    assert not np.array_equal(plan.rows(0), BatchPlan(50, 50, ("test", 1)).rows(0))


def test_generators_differ_by_purpose_step_and_micro_step() -> None:
    plan = BatchPlan(8, 2, ("test",), accumulation=2)
    calls = [("a", 0, 0), ("b", 0, 0), ("a", 1, 0), ("a", 0, 1)]
    assert len({float(torch.rand(1, generator=plan.torch_generator(*call))) for call in calls}) == 4
    assert len({plan.numpy_generator(*call).random() for call in calls}) == 4
    assert plan.numpy_generator("a", 0).random() == plan.numpy_generator("a", 0).random()


def test_a_micro_step_outside_the_step_is_refused() -> None:
    with pytest.raises(IndexError):
        BatchPlan(8, 2, ("test",), accumulation=2).rows(0, 2)
