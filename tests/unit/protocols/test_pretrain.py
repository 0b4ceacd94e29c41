from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from fakes import FakeRepresentation, make_context, make_corpus

from benchmark.errors import UsageError
from benchmark.protocols import pretrain
from benchmark.recipes import PretrainRecipe
from benchmark.training.loop import TrainingInterrupted

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = PretrainRecipe(
    source="test",
    epochs=3,
    contrastive_batch=8,
    accumulation=2,
    learning_rate=1e-2,
    warmup_epochs=1,
    gradient_clip=1.0,
    checkpoint_every_seconds=0,
)


def weights_of(folder: Path) -> dict[str, Any]:
    return torch.load(folder / pretrain.WEIGHTS_FILE, weights_only=True)


def context_in(folder: Path, recipe: PretrainRecipe = RECIPE, **more: Any) -> Any:
    more.setdefault("corpus", make_corpus())
    return make_context(folder, recipe, "pretrain", **more)


def test_leaves_weights_and_history_and_no_checkpoint(tmp_path: Path) -> None:
    outcome = pretrain.run(context_in(tmp_path))
    stored = weights_of(tmp_path)
    assert stored["format"] == "maco-bench"
    assert set(stored) == {
        "format",
        "model",
        "tokenizer_json",
        "options",
        "size",
        "image_size",
    }
    initial = FakeRepresentation().state_dict()
    assert set(stored["model"]) == set(initial)
    assert not torch.equal(stored["model"]["patch.weight"], initial["patch.weight"])
    history = np.load(tmp_path / "history.npz")
    # 40 pairs in batches of 8 are 5 micro batches an epoch, 15 in all, 2 a step.
    assert outcome.facts["steps"] == 7 == len(history["loss_contrast"])
    assert outcome.facts["samples_seen"] == 7 * 16
    assert outcome.facts["dropped_images"] == 5
    assert history["array_weights"].shape == (8, 1, 16)
    assert list(history["array_steps"]) == list(range(8))
    assert not (tmp_path / "checkpoint.pt").exists()


def test_an_interrupted_run_ends_with_the_same_bytes(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    undisturbed = pretrain.run(context_in(whole))
    for stop in (2, 3, 6):
        with pytest.raises(TrainingInterrupted):
            pretrain.run(context_in(broken), should_stop=lambda step, stop=stop: step == stop)
    assert (broken / "checkpoint.pt").exists()
    resumed = pretrain.run(context_in(broken))
    for name in (pretrain.WEIGHTS_FILE, pretrain.HISTORY_FILE):
        assert (whole / name).read_bytes() == (broken / name).read_bytes()
    assert undisturbed.facts == resumed.facts
    assert undisturbed.timing["samples_per_second"] > 0


def test_a_kill_between_checkpoints_loses_nothing(tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPE, checkpoint_every_seconds=1e9)

    def dies(step: int) -> bool:
        if step == 4:
            raise KeyboardInterrupt
        return False

    with pytest.raises(KeyboardInterrupt):
        pretrain.run(context_in(tmp_path / "killed", recipe), should_stop=dies)
    pretrain.run(context_in(tmp_path / "killed", recipe))
    pretrain.run(context_in(tmp_path / "whole", recipe))
    killed, whole = weights_of(tmp_path / "killed"), weights_of(tmp_path / "whole")
    for name, value in whole["model"].items():
        assert torch.equal(value, killed["model"][name])


def test_seed_moves_the_weights(tmp_path: Path) -> None:
    context = context_in(tmp_path / "a")
    pretrain.run(context)
    seeds = dataclasses.replace(context.cell.seeds, pretrain=1)
    cell = dataclasses.replace(context.cell, seeds=seeds)
    pretrain.run(context_in(tmp_path / "b", cell=cell))
    assert not torch.equal(
        weights_of(tmp_path / "a")["model"]["patch.weight"],
        weights_of(tmp_path / "b")["model"]["patch.weight"],
    )


def test_no_epochs_leave_the_initial_weights(tmp_path: Path) -> None:
    outcome = pretrain.run(context_in(tmp_path, dataclasses.replace(RECIPE, epochs=0)))
    for name, value in FakeRepresentation().state_dict().items():
        assert torch.equal(value, weights_of(tmp_path)["model"][name])
    assert outcome.facts["steps"] == 0
    assert outcome.facts["final_losses"] == {}


def test_an_image_only_method_gets_no_texts(tmp_path: Path) -> None:
    pretrain.run(
        context_in(tmp_path, representation=FakeRepresentation(text=False), uses_text=False)
    )
    assert (tmp_path / pretrain.WEIGHTS_FILE).exists()


def test_a_corpus_below_one_batch_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="7 pairs"):
        pretrain.run(context_in(tmp_path, corpus=make_corpus(7)))
