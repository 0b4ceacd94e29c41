"""The training log: events are read back as TensorBoard reads them."""

from __future__ import annotations

import dataclasses
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

from benchmark.errors import UsageError
from benchmark.training import checkpoint, distributed, log, loop
from benchmark.training.optimizers import make_optimizer
from benchmark.training.schedules import WarmupCosine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmark.training.history import History

PLAN = loop.TrainPlan(12, WarmupCosine(0.05, 12, 2), ("test", 0), checkpoint_every_seconds=0)
SELDOM = dataclasses.replace(PLAN, checkpoint_every_seconds=1e9)
TRAINING = "training-at-rate-0.05"


def fit(plan: loop.TrainPlan = PLAN, folder: Path | None = None, **more: Any) -> History:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.3), nn.Linear(3, 1))

    def losses(step: int, micro_step: int) -> Mapping[str, torch.Tensor]:
        inputs = torch.randn(6, 4, generator=torch.Generator().manual_seed(step))
        error = ((model(inputs)[:, 0] - inputs.sum(1)) ** 2).mean()
        size = model[0].weight.square().mean()
        return {"total": error + size, "error": error, "size": size}

    optimizer = make_optimizer(model, "adamw", weight_decay=0.05)
    return loop.train(model, losses, optimizer, plan, folder=folder, **more)


def events(folder: Path) -> dict[str, list[tuple[int, float]]]:
    reader = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    reader.Reload()
    return {
        tag: [(event.step, event.value) for event in reader.Scalars(tag)]
        for tag in reader.Tags()["scalars"]
    }


def assert_holds(folder: Path, history: History) -> None:
    """The log has every step of the history once, and its values in single precision."""
    found = events(folder)
    parts = {f"loss/{name}": values for name, values in history.losses.items()}
    expected = {**parts, "rate": history.rates, "gradient_norm": history.gradient_norms}
    assert set(found) == set(expected)
    for tag, values in expected.items():
        assert [step for step, _ in found[tag]] == list(range(1, len(values) + 1)), tag
        assert [value for _, value in found[tag]] == pytest.approx(values, rel=1e-6), tag


def test_events_are_those_of_the_history(tmp_path: Path) -> None:
    with log.logging_to("tensorboard", tmp_path):
        history = fit()
    assert [folder.name for folder in tmp_path.iterdir()] == [TRAINING]
    assert set(history.losses) == {"total", "error", "size"}
    assert_holds(tmp_path / TRAINING, history)


def test_off_by_default_nothing_is_opened_or_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("no log was asked for")

    with log.logging_to("tensorboard", tmp_path / "logged"):
        logged = fit()
    monkeypatch.setattr(log, "_open_writer", refuse)
    monkeypatch.chdir(tmp_path)
    plain = fit(folder=tmp_path / "cell")
    with log.logging_to("none", tmp_path / "none"):
        silent = fit()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cell", "logged"]
    assert [path.name for path in (tmp_path / "cell").iterdir()] == [checkpoint.NAME]
    for history in (plain, silent):
        assert history.losses == logged.losses
        assert history.gradient_norms == logged.gradient_norms


def test_a_resumed_run_goes_on_from_the_step_of_its_checkpoint(tmp_path: Path) -> None:
    def dies(step: int) -> None:
        if step == 9:
            raise KeyboardInterrupt

    with log.logging_to("tensorboard", tmp_path / "log"):
        with pytest.raises(loop.TrainingInterrupted):
            fit(folder=tmp_path / "cell", should_stop=lambda step: step == 5)
        with pytest.raises(KeyboardInterrupt):
            fit(SELDOM, tmp_path / "cell", after_step=dies)
        # The log is ahead of the checkpoint, which is of step 5.
        assert events(tmp_path / "log" / TRAINING)["rate"][-1][0] == 9
        history = fit(folder=tmp_path / "cell")
    assert history.losses == fit().losses
    assert_holds(tmp_path / "log" / TRAINING, history)
    assert len(list((tmp_path / "log" / TRAINING).iterdir())) == 3


def test_a_training_that_starts_anew_hides_what_it_logged_before(tmp_path: Path) -> None:
    with log.logging_to("tensorboard", tmp_path):
        fit()
        shorter = fit(dataclasses.replace(PLAN, steps=4))
    assert_holds(tmp_path / TRAINING, shorter)


def test_a_log_that_begins_late_is_given_the_steps_before(tmp_path: Path) -> None:
    with pytest.raises(loop.TrainingInterrupted):
        fit(folder=tmp_path / "cell", should_stop=lambda step: step == 7)
    with log.logging_to("tensorboard", tmp_path / "log"):
        history = fit(folder=tmp_path / "cell")
    assert_holds(tmp_path / "log" / TRAINING, history)


def test_no_checkpoint_is_ahead_of_the_log_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[tuple[int, int]] = []
    real = checkpoint.save_atomically

    def save(path: Path, content: Mapping[str, Any]) -> None:
        saved.append((content["step"], events(tmp_path / "log" / TRAINING)["rate"][-1][0]))
        real(path, content)

    monkeypatch.setattr(checkpoint, "save_atomically", save)
    with log.logging_to("tensorboard", tmp_path / "log"):
        fit(folder=tmp_path / "cell")
    assert saved == [(step, step) for step in range(1, 13)]


def test_trainings_of_a_cell_have_folders_of_their_own(tmp_path: Path) -> None:
    second = dataclasses.replace(PLAN, rate=WarmupCosine(2e-5, 12))
    with log.logging_to("tensorboard", tmp_path):
        fit(stage="fine-tuning")
        history = fit(second, stage="fine-tuning")
        fit(second, stage="trial at rate 2e-05")
        fit(dataclasses.replace(PLAN, rate=lambda step: 0.1), stage="../a b/c")
    names = {
        "fine-tuning-at-rate-0.05", "fine-tuning-at-rate-2e-05", "trial-at-rate-2e-05", "..-a-b-c"
    }  # fmt: skip
    assert {folder.name for folder in tmp_path.iterdir()} == names
    assert_holds(tmp_path / "fine-tuning-at-rate-2e-05", history)


def test_a_training_that_diverges_leaves_its_finite_steps(tmp_path: Path) -> None:
    model = nn.Linear(2, 1)

    def losses(step: int, micro_step: int) -> Mapping[str, torch.Tensor]:
        good = model(torch.ones(1, 2)).sum()
        return {"total": good * (float("nan") if step == 3 else 1.0)}

    optimizer = make_optimizer(model, "sgd", weight_decay=0)
    with (
        log.logging_to("tensorboard", tmp_path),
        pytest.raises(loop.DivergenceError, match="step 4"),
    ):
        loop.train(model, losses, optimizer, PLAN)
    assert [step for step, _ in events(tmp_path / TRAINING)["loss/total"]] == [1, 2, 3]


def test_of_several_processes_the_main_one_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distributed, "is_main", lambda: False)
    with log.logging_to("tensorboard", tmp_path / "log"):
        fit()
    assert not (tmp_path / "log").exists()


def test_a_missing_package_is_told_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec

    def absent(name: str, package: str | None = None) -> object:
        return None if name == "tensorboard" else real(name, package)

    with monkeypatch.context() as patch:
        patch.setattr(importlib.util, "find_spec", absent)
        log.require_package("none")
        with pytest.raises(UsageError, match=r"not installed.*\.\[log\]"):
            log.require_package("tensorboard")
        with (
            pytest.raises(UsageError, match="not installed"),
            log.logging_to("tensorboard", tmp_path),
        ):
            raise AssertionError("the cell has begun")
    # One that is there and does not load is told before the first batch.
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    seen: list[int] = []
    with (
        log.logging_to("tensorboard", tmp_path / "log"),
        pytest.raises(UsageError, match=r"cannot import.*\.\[log\]"),
    ):
        loop.train(
            nn.Linear(1, 1),
            lambda step, micro_step: seen.append(step) or {},
            torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1),
            PLAN,
        )
    assert not seen
    assert not (tmp_path / "log").exists()
