"""Checkpoints: what is read safely, what is refused, and that every tensor must land."""

import argparse

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from baselines.checkpoints.loading import load_checkpoint, place, tensors_of
from benchmark.errors import BadDataError, MissingDataError, UntrustedFileError


class Payload:
    """Stands for a class that a foreign file may need."""

    def __init__(self):
        self.value = 3


def test_argument_namespaces_are_allowed(tmp_path):
    path = tmp_path / "weights.pth"
    arguments = argparse.Namespace(lr=2.5e-4, model="maco", betas=(0.9, 0.95))
    torch.save({"model": {"weight": torch.ones(2)}, "args": arguments, "epoch": 50}, path)
    content = load_checkpoint(path)
    assert content["args"].lr == 2.5e-4
    assert tensors_of(content)["weight"].tolist() == [1.0, 1.0]


def test_other_objects_are_refused_unless_trusted(tmp_path):
    path = tmp_path / "weights.pth"
    torch.save({"model": {"weight": torch.ones(2)}, "args": Payload()}, path)
    with pytest.raises(UntrustedFileError, match=r"needs `\S+Payload`.*trusted=True"):
        load_checkpoint(path)
    assert load_checkpoint(path, trusted=True)["args"].value == 3
    with pytest.raises(UntrustedFileError):  # the allow-list is not widened for good
        load_checkpoint(path)


def test_absent_and_damaged_files_are_named(tmp_path):
    with pytest.raises(MissingDataError, match=r"none\.pth"):
        load_checkpoint(tmp_path / "none.pth")
    (tmp_path / "page.pth").write_text("<html>quota exceeded</html>")
    with pytest.raises(BadDataError, match=r"torch\.save"):
        load_checkpoint(tmp_path / "page.pth")
    whole = tmp_path / "whole.pth"
    torch.save({"model": {"weight": torch.ones(1000)}}, whole)
    (tmp_path / "cut.pth").write_bytes(whole.read_bytes()[:900])
    with pytest.raises(BadDataError, match="cut short"):
        load_checkpoint(tmp_path / "cut.pth")
    torch.save([1, 2], whole)
    with pytest.raises(BadDataError, match="list"):
        load_checkpoint(whole)


@pytest.mark.parametrize("wrapper", ["model", "state_dict", None])
def test_state_dictionaries_are_unwrapped(wrapper):
    state = {"module.layer.weight": torch.ones(1), "note": "text"}
    content = {wrapper: state, "epoch": 3} if wrapper else state
    assert set(tensors_of(content)) == {"layer.weight"}


def test_every_wanted_tensor_must_land():
    model = nn.Linear(2, 3)
    full = {"weight": torch.ones(3, 2, dtype=torch.float16), "bias": torch.zeros(3)}
    assert place(model, {**full, "stray": torch.ones(1)}) == ["stray"]
    assert model.weight.dtype == torch.float32
    assert model.weight.tolist() == [[1.0, 1.0]] * 3
    before = model.weight.clone()
    with pytest.raises(BadDataError, match="lacks 1 of 2 tensors: bias"):
        place(model, {"weight": 5 * full["weight"]})
    with pytest.raises(BadDataError, match=r"weight is \(3, 3\), not \(3, 2\)"):
        place(model, {**full, "weight": torch.ones(3, 3)})
    assert torch.equal(model.weight, before)
    with pytest.raises(BadDataError, match="no tensors"):
        tensors_of({"epoch": 3})


def test_safetensors_are_read_and_damaged_ones_named(tmp_path):
    path = tmp_path / "model.safetensors"
    save_file({"weight": torch.arange(4.0)}, path)
    assert tensors_of(load_checkpoint(path))["weight"].tolist() == [0.0, 1.0, 2.0, 3.0]
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(BadDataError, match="cut short"):
        load_checkpoint(path)


def test_a_torchscript_archive_is_told_from_damage(tmp_path):
    path = tmp_path / "ViT-B-32.pt"
    torch.jit.save(torch.jit.script(nn.Linear(2, 2)), path)
    with pytest.raises(BadDataError, match="TorchScript archive") as caught:
        load_checkpoint(path)
    assert "state_dict()" in str(caught.value)
