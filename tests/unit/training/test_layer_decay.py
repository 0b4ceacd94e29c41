"""Layer-wise rates of a model with an encoder `trunk`."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from benchmark.training.layer_decay import adamw_by_layer, layer_groups
from tests.encoders import encoder


class Model(nn.Module):
    """A toy transformer below one convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = encoder("mae").dense_trunk((12,))
        self.head = nn.Conv2d(self.trunk.channels[-1], 1, 1)


@pytest.fixture
def model() -> Model:
    return Model()


def test_rates_fall_by_layer_and_each_parameter_has_one(model: Model) -> None:
    groups = layer_groups(model, 0.05, 0.5)
    found = {
        id(parameter): (group["rate_scale"], group["weight_decay"])
        for group in groups
        for parameter in group["params"]
    }
    assert sum(len(group["params"]) for group in groups) == len(list(model.parameters()))
    by_name = {name: found[id(parameter)] for name, parameter in model.named_parameters()}
    depth = len(model.trunk.blocks)
    assert by_name["trunk.cls_token"][0] == 0.5 ** (depth + 1)
    assert by_name["trunk.patch_embed.proj.weight"][0] == 0.5 ** (depth + 1)
    assert by_name["trunk.blocks.0.attn.qkv.weight"] == (0.5**depth, 0.05)
    assert by_name[f"trunk.blocks.{depth - 1}.attn.qkv.bias"] == (0.5, 0.0)
    assert by_name["head.weight"] == (1.0, 0.05) and by_name["head.bias"] == (1.0, 0.0)


def test_a_step_moves_a_layer_by_its_own_rate(model: Model) -> None:
    """Adam's first step is the rate, whatever the gradient: so the step shows the rate."""
    optimizer = adamw_by_layer(model, weight_decay=0.0, layer_decay=0.5)
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    for value in model.parameters():
        value.grad = torch.full_like(value, 3.0)
    for group in 2 * optimizer.param_groups:
        group["lr"] = 1e-3
    optimizer.step()
    scale = {
        id(parameter): group["rate_scale"]
        for group in optimizer.param_groups
        for parameter in group["params"]
    }
    assert len(set(scale.values())) == len(model.trunk.blocks) + 2
    for name, value in model.named_parameters():
        moved = float((before[name] - value.detach()).abs().mean())
        assert moved == pytest.approx(1e-3 * scale[id(value)], rel=1e-2), name


def test_what_is_frozen_has_no_group(model: Model) -> None:
    model.trunk.requires_grad_(False)
    groups = layer_groups(model, 0.1, 0.5)
    trained = {id(parameter) for group in groups for parameter in group["params"]}
    assert trained == {id(parameter) for parameter in model.head.parameters()}
