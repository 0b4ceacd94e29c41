"""Dimensions from shapes: what was built is what is read back."""

from __future__ import annotations

import pytest
import timm
import torch

from baselines.checkpoints.dimensions import resnet_size
from baselines.checkpoints.shapes import Shapes
from benchmark.errors import BadDataError


@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50", "resnet101"])
def test_resnets_are_told_by_their_blocks(name):
    with torch.device("meta"):
        state = timm.create_model(name, num_classes=0).state_dict()
    named = {f"backbone.{key}": value for key, value in state.items()}
    assert resnet_size(Shapes(named, "X")) == {
        "architecture": name,
        "channels": 3,
        "output_stride": 32,
    }
    short = {key: value for key, value in named.items() if "layer4" not in key}
    assert resnet_size(Shapes(short, "X"), stages=3)["architecture"] == name


def test_narrow_resnets_keep_their_widths():
    size = {"channels": (8, 16, 24, 32)}
    with torch.device("meta"):
        state = timm.create_model("resnet18", num_classes=0, in_chans=1, **size).state_dict()
    found = resnet_size(Shapes(state, "X"), prefix="")
    assert (found["channels"], found["widths"]) == (1, [8, 16, 24, 32])


def test_unknown_blocks_and_missing_tensors_are_named():
    state = {"conv1.weight": torch.zeros(64, 3, 7, 7)}
    for stage, blocks in enumerate((1, 2, 2, 9), start=1):
        state[f"layer{stage}.{blocks - 1}.conv1.weight"] = torch.zeros(8, 8, 3, 3)
    with pytest.raises(BadDataError, match=r"basic blocks \(1, 2, 2, 9\)"):
        resnet_size(Shapes(state, "X"), prefix="")
    with pytest.raises(BadDataError, match=r"lacks `conv1\.weight`.*X model"):
        resnet_size(Shapes({}, "X"), prefix="")
    with pytest.raises(BadDataError, match=r"lacks every `layer1\.\*`"):
        resnet_size(Shapes({"conv1.weight": state["conv1.weight"]}, "X"), prefix="")


def test_a_table_of_places_that_is_no_square_is_named():
    shape = Shapes({"pos_embed": torch.zeros(1, 18, 4)}, "X")
    with pytest.raises(BadDataError, match="17 places"):
        shape.side("pos_embed")
    assert Shapes({"pos_embed": torch.zeros(1, 17, 4)}, "X").side("pos_embed") == 4
