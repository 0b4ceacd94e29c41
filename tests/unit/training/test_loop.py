from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmark.training import loop
from benchmark.training.optimizers import make_optimizer, parameter_groups
from benchmark.training.schedules import WarmupCosine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmark.training.history import History

PLAN = loop.TrainPlan(
    steps=12,
    rate=WarmupCosine(0.05, 12, 2),
    seed_axes=("test", 0),
    accumulation=2,
    gradient_clip=1.0,
    arrays_every=5,
    checkpoint_every_seconds=0,
)


def make_model() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Linear(6, 16), nn.GELU(), nn.Dropout(0.3), nn.BatchNorm1d(16), nn.Linear(16, 3)
        )


def losses_of(model: nn.Module) -> loop.LossFunction:
    def losses(step: int, micro_step: int) -> Mapping[str, Tensor]:
        generator = torch.Generator().manual_seed(1000 * step + micro_step)
        inputs = torch.randn(8, 6, generator=generator)
        targets = torch.randint(0, 3, (8,), generator=generator)
        logits = model(inputs)
        first, second = functional.cross_entropy(logits, targets), (logits**2).mean()
        return {"total": first + 0.1 * second, "entropy": first, "size": second}

    return losses


def fit(folder: Path | None, plan: loop.TrainPlan = PLAN, **more: Any) -> tuple[Any, History]:
    model = make_model()
    optimizer = make_optimizer(model, "adamw", weight_decay=0.05)
    history = loop.train(
        model,
        losses_of(model),
        optimizer,
        plan,
        folder=folder,
        arrays=lambda: {"bias": model[0].bias.detach().numpy().copy()},
        **more,
    )
    return model.state_dict(), history


def equal(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("stops", [(1,), (5,), (3, 4, 9), (11,)])
def test_stopped_and_resumed_equals_undisturbed_bit_by_bit(
    tmp_path: Path, stops: tuple[int, ...]
) -> None:
    whole, whole_history = fit(None)
    for stop in stops:
        with pytest.raises(loop.TrainingInterrupted):
            fit(tmp_path, should_stop=lambda step, stop=stop: step == stop)
    torch.rand(7)
    resumed, history = fit(tmp_path)
    assert equal(whole, resumed)
    assert history.losses == whole_history.losses
    assert history.rates == whole_history.rates
    assert history.array_steps == whole_history.array_steps == [0, 5, 10, 12]
    for first, second in zip(history.arrays["bias"], whole_history.arrays["bias"], strict=True):
        assert np.array_equal(first, second)


def test_killed_between_checkpoints_equals_undisturbed(tmp_path: Path) -> None:
    whole, _ = fit(None)
    # Dies without any clean-up in the middle of step 8; the last checkpoint is of step 7.
    script = f"""
import importlib.util, os, pathlib
spec = importlib.util.spec_from_file_location("module", {str(Path(__file__))!r})
module = importlib.util.module_from_spec(spec); spec.loader.exec_module(module)
real = module.losses_of
def dying(model):
    losses = real(model)
    def wrapped(step, micro_step):
        if (step, micro_step) == (7, 1):
            os.kill(os.getpid(), 9)
        return losses(step, micro_step)
    return wrapped
module.losses_of = dying
import torch; torch.set_num_threads({torch.get_num_threads()})
module.fit(pathlib.Path({str(tmp_path)!r}))
"""
    killed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert killed.returncode == -9, killed.stderr
    stored = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert stored["step"] == 7
    resumed, history = fit(tmp_path)
    assert equal(whole, resumed)
    assert len(history.rates) == 12


def test_a_checkpoint_of_another_run_is_not_continued(tmp_path: Path) -> None:
    fit(tmp_path, dataclasses.replace(PLAN, identity="one"))
    _, history = fit(tmp_path, dataclasses.replace(PLAN, identity="two", steps=3))
    assert len(history.rates) == 3


def test_the_global_random_state_is_left_alone() -> None:
    state = torch.random.get_rng_state()
    fit(None)
    assert torch.equal(state, torch.random.get_rng_state())


def test_accumulation_equals_the_mean_of_one_large_batch() -> None:
    inputs, targets = torch.randn(8, 4), torch.randn(8, 2)

    def run(accumulation: int) -> Tensor:
        torch.manual_seed(0)
        model = nn.Linear(4, 2)
        parts, goals = inputs.chunk(accumulation), targets.chunk(accumulation)

        def losses(step: int, micro_step: int) -> Mapping[str, Tensor]:
            return {"total": functional.mse_loss(model(parts[micro_step]), goals[micro_step])}

        plan = loop.TrainPlan(3, WarmupCosine(0.1, 3), ("test",), accumulation=accumulation)
        optimizer = make_optimizer(model, "sgd", weight_decay=0.0)
        history = loop.train(model, losses, optimizer, plan)
        assert len(history.losses["total"]) == 3
        return model.weight.detach()

    torch.testing.assert_close(run(4), run(1), rtol=1e-5, atol=1e-6)


def test_one_optimiser_step_and_the_right_rate_a_step() -> None:
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    rates: list[float] = []
    optimizer.register_step_pre_hook(
        lambda optimizer, *_: rates.append(optimizer.param_groups[0]["lr"])
    )
    plan = dataclasses.replace(PLAN, accumulation=3, steps=5)
    loop.train(model, lambda *_: {"total": model(torch.ones(1, 2)).sum()}, optimizer, plan)
    assert rates == [plan.rate(step) for step in range(5)]


def test_a_loss_that_is_not_finite_names_step_and_parts() -> None:
    model = nn.Linear(2, 1)
    before = model.weight.detach().clone()
    seen: list[Tensor] = []

    def losses(step: int, micro_step: int) -> Mapping[str, Tensor]:
        good = model(torch.ones(1, 2)).sum()
        seen.append(model.weight.detach().clone())
        bad = good * (float("nan") if step == 2 else 1.0)
        return {"total": good + bad, "good": good, "bad": bad}

    optimizer = make_optimizer(model, "sgd", weight_decay=0)
    with pytest.raises(loop.DivergenceError, match=r"step 3: total nan, good -?[\d.]+, bad nan"):
        loop.train(model, losses, optimizer, dataclasses.replace(PLAN, accumulation=1))
    assert torch.equal(model.weight, seen[-1])
    assert not torch.equal(model.weight, before)


def test_a_gradient_that_is_not_finite_stops_too() -> None:
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    optimizer = make_optimizer(model, "sgd", weight_decay=0)
    with pytest.raises(loop.DivergenceError, match="gradient"):
        loop.train(model, lambda *_: {"total": model.weight.sum().sqrt()}, optimizer, PLAN)


def test_gradients_are_clipped_and_their_norm_is_kept() -> None:
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    optimizer = make_optimizer(model, "sgd", weight_decay=0, momentum=0.0)
    plan = loop.TrainPlan(1, WarmupCosine(1.0, 1), ("test",), gradient_clip=0.5)
    history = loop.train(model, lambda *_: {"total": 8 * model.weight.sum()}, optimizer, plan)
    assert history.gradient_norms == [8.0]
    assert float(model.weight.detach()) == pytest.approx(-0.5, rel=1e-4)


def test_progress_and_after_step_are_called_and_training_mode_returns() -> None:
    model = make_model()
    told: list[tuple[str, int, int]] = []
    modes: list[bool] = []

    def losses(step: int, micro_step: int) -> Mapping[str, Tensor]:
        modes.append(model.training)
        return losses_of(model)(step, micro_step)

    loop.train(
        model,
        losses,
        make_optimizer(model, "adamw", weight_decay=0),
        dataclasses.replace(PLAN, steps=3, accumulation=1),
        progress=lambda stage, done, total, note="": told.append((stage, done, total)),
        stage="fitting",
        after_step=lambda step: model.eval() and None,
    )
    assert told == [("fitting", 1, 3), ("fitting", 2, 3), ("fitting", 3, 3)]
    assert modes == [True] * 3


def test_biases_and_vectors_are_not_decayed() -> None:
    model = make_model()
    model.temperature = nn.Parameter(torch.tensor(1.0))
    decayed, free = parameter_groups(model, 0.05)
    assert decayed["weight_decay"] == 0.05
    assert free["weight_decay"] == 0.0
    assert all(parameter.ndim == 2 for parameter in decayed["params"])
    assert {parameter.ndim for parameter in free["params"]} == {0, 1}
    assert len(decayed["params"]) + len(free["params"]) == len(list(model.parameters()))


def test_zero_steps_train_nothing(tmp_path: Path) -> None:
    state, history = fit(tmp_path, dataclasses.replace(PLAN, steps=0))
    assert equal(state, make_model().state_dict())
    assert history.to_arrays()["rate"].shape == (0,)
