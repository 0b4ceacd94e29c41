from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from fakes import FakeRepresentation, make_context, make_corpus

from benchmark.errors import UsageError
from benchmark.fingerprint import file_checksum
from benchmark.protocols import pretrain
from benchmark.recipes import PretrainRecipe
from benchmark.training.log import logging_to
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
        "baseline",
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


def test_equal_multiply_adds_scale_the_steps(tmp_path: Path) -> None:
    plain = pretrain.run(context_in(tmp_path / "images"))
    macs = plain.facts["macs_pretrain_forward"]
    # By hand, for one image of 16 x 16: 16 patches x 8 filters x 16 pixels; the projection of 16
    # patches, 8 x 8; the contrast of a pair with the 8 pairs of its batch in 8 dimensions.
    assert macs == 16 * 8 * 16 + 16 * 8 * 8 + 8 * 8
    assert plain.facts["macs_total"] == macs * 7 * 16
    half = dataclasses.replace(RECIPE, budget="flops", gmacs_per_image=macs / 2e9)
    outcome = pretrain.run(context_in(tmp_path / "flops", half))
    assert outcome.facts["steps"] == round(7 / 2)
    assert outcome.facts["budget"] == "flops"
    with pytest.raises(UsageError, match="gmacs_per_image"):
        pretrain.run(context_in(tmp_path / "no", dataclasses.replace(RECIPE, budget="flops")))


def test_weights_are_kept_on_the_way(tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPE, snapshots=(25, 50))
    outcome = pretrain.run(context_in(tmp_path / "kept", recipe))
    pretrain.run(context_in(tmp_path / "plain"))
    states = {}
    for percent in (25, 50):
        path = tmp_path / "kept" / f"weights-{percent}.pt"
        assert outcome.facts["snapshots"][str(percent)] == file_checksum(path)
        states[percent] = torch.load(path, weights_only=True)["model"]["patch.weight"]
    last = weights_of(tmp_path / "kept")["model"]["patch.weight"]
    assert not torch.equal(states[25], states[50])
    assert not torch.equal(states[50], last)
    # Keeping them does not disturb the run.
    assert torch.equal(last, weights_of(tmp_path / "plain")["model"]["patch.weight"])
    # 7 steps: the weights of half of the budget are those after step 4.
    with pytest.raises(TrainingInterrupted):
        pretrain.run(context_in(tmp_path / "cut"), should_stop=lambda step: step == 4)
    state = torch.load(tmp_path / "cut" / "checkpoint.pt", weights_only=False)["model"]
    assert torch.equal(states[50], state["representation.patch.weight"])


def test_trials_choose_the_rate_and_are_all_stored(tmp_path: Path) -> None:
    rates = (3e-2, 1e-5, 1e-3)
    recipe = dataclasses.replace(RECIPE, trial_rates=rates, trial_share=0.5)
    outcome = pretrain.run(context_in(tmp_path / "a", recipe))
    trials = outcome.selection["trials"]
    assert [trial["learning_rate"] for trial in trials] == list(rates)
    assert len({trial["held_out_loss"] for trial in trials}) == 3
    best = min(trials, key=lambda trial: trial["held_out_loss"])["learning_rate"]
    assert outcome.selection["learning_rate"] == best
    assert best not in (rates[0], RECIPE.learning_rate)
    assert not (tmp_path / "a" / "trials.json").exists()
    fixed = dataclasses.replace(RECIPE, learning_rate=best)
    pretrain.run(context_in(tmp_path / "b", fixed))
    assert torch.equal(
        weights_of(tmp_path / "a")["model"]["patch.weight"],
        weights_of(tmp_path / "b")["model"]["patch.weight"],
    )


def test_finished_trials_are_not_repeated(tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPE, trial_rates=(1e-3, 1e-2), trial_share=0.5)
    whole = pretrain.run(context_in(tmp_path / "whole", recipe))
    stages: list[str] = []

    def heard(stage: str, *rest: Any) -> None:
        stages.append(stage)

    with pytest.raises(TrainingInterrupted):
        pretrain.run(context_in(tmp_path / "cut", recipe), should_stop=lambda step: step == 2)
    again = pretrain.run(dataclasses.replace(context_in(tmp_path / "cut", recipe), progress=heard))
    assert not any(stage.startswith("trial at") for stage in stages)
    assert again.selection == whole.selection


def test_the_log_lies_beside_and_changes_nothing(tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPE, trial_rates=(1e-3, 1e-2), trial_share=0.5)
    plain = pretrain.run(context_in(tmp_path / "plain", recipe))
    with logging_to("tensorboard", tmp_path / "logs"):
        logged = pretrain.run(context_in(tmp_path / "logged", recipe))
    assert (logged.facts, logged.selection) == (plain.facts, plain.selection)
    names = sorted(path.name for path in (tmp_path / "logged").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "plain").iterdir())
    for name in names:
        assert (tmp_path / "logged" / name).read_bytes() == (tmp_path / "plain" / name).read_bytes()
    rate = f"{plain.selection['learning_rate']:g}"
    assert {folder.name for folder in (tmp_path / "logs").iterdir()} == {
        "trial-at-rate-0.001", "trial-at-rate-0.01", f"pre-training-at-rate-{rate}"
    }  # fmt: skip
