"""The common start: only the text tower learns, and methods take it over."""

from __future__ import annotations

import pytest
import torch

from benchmark import registry
from benchmark.errors import UsageError
from benchmark.interfaces import BuildContext, PretrainBatch
from benchmark.specs import Cell, Seeds
from benchmark.workshop import take_equal_tensors

SENTENCES = ("the heart is enlarged. ", "no effusion is seen. ", "the lungs are clear. ")


def built(name: str, tokenizer_json: str | None = None) -> torch.nn.Module:
    spec = registry.load_baseline(name)
    context = BuildContext(
        size=spec.sizes["toy"],
        options=spec.options,
        image_size=32,
        seed=5,
        tokenizer_json=tokenizer_json,
        reports=lambda: SENTENCES * 30,
    )
    model: torch.nn.Module = registry.baseline_module(name).build(context)
    return model


def trained_house(steps: int) -> tuple[torch.nn.Module, list[float]]:
    house = built("house_text").train()
    learning = [item for item in house.parameters() if item.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=3e-3)
    generator, losses = torch.Generator().manual_seed(0), []
    batch = PretrainBatch(torch.zeros(12, 1, 32, 32), SENTENCES * 4)
    for _ in range(steps):
        loss = house.pretraining_loss(batch, generator)["total"]  # type: ignore[operator]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return house, losses


def cell(baseline: str) -> Cell:
    return Cell("pretrain", "pretraining", "maco", baseline, "toy", "d", "initial", Seeds(0))


def test_it_learns_to_restore_words_and_leaves_the_image_tower() -> None:
    before = built("house_text").state_dict()
    house, losses = trained_house(80)
    assert sum(losses[-10:]) < 0.5 * sum(losses[:10])
    after = house.state_dict()
    moved = {name for name in after if not torch.equal(before[name], after[name])}
    assert any(name.startswith("bert_encoder.") for name in moved)
    assert all(name.startswith(("bert_encoder.", "language_head.")) for name in moved)


@pytest.mark.parametrize("name", ["maco", "clip_vit", "mae_hr_clip"])
def test_a_method_takes_the_whole_text_tower(name: str) -> None:
    house, _ = trained_house(2)
    method = built(name, house.tokenizer_json)  # type: ignore[arg-type]
    taken = take_equal_tensors(method, house.state_dict(), cell(name))
    text = [key for key in method.state_dict() if key.startswith("bert_encoder.")]
    assert text
    assert set(text) <= set(taken)
    state = method.state_dict()
    assert all(torch.equal(state[key], house.state_dict()[key]) for key in text)


def test_a_start_of_which_nothing_fits_is_refused() -> None:
    with pytest.raises(UsageError, match="Nothing of the start weights fits `maco`"):
        take_equal_tensors(built("maco"), {"other": torch.zeros(3)}, cell("maco"))
