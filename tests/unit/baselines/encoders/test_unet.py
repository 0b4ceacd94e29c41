"""The U-Net head of pre-training is that of segmentation, tensor by tensor."""

import pytest
import torch

from baselines.encoders.unet import UNetHead
from benchmark.protocols.segment_model import Segmenter
from benchmark.recipes.segment import SegmentRecipe
from tests.encoders import encoder

WIDTHS = (8, 8, 8, 4, 4)


def heads():
    trunk = encoder("random_init_resnet50").dense_trunk(())
    recipe = SegmentRecipe(source="test", decoder="unet", unet_channels=WIDTHS)
    return trunk, Segmenter(trunk, recipe, 7), UNetHead(trunk.channels, WIDTHS, 1)


def test_names_and_shapes_are_those_of_segmentation():
    _, segmenter, ours = heads()
    theirs = segmenter.decoder.state_dict()
    found = ours.state_dict()
    assert {key: value.shape for key, value in found.items()} == {
        key: value.shape for key, value in theirs.items()
    }


@pytest.mark.parametrize("side", [32, 40])
def test_equal_weights_draw_equal_maps(side):
    trunk, segmenter, ours = heads()
    ours.load_state_dict(segmenter.decoder.state_dict(), strict=True)
    images = torch.randn(2, 1, side, side, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        drawn = ours.eval()(trunk.eval()(images), images)
        logits = segmenter.eval()(images)[0]
    assert drawn.shape == (2, 1, side, side)
    assert torch.allclose(drawn, logits, atol=1e-6)


def test_as_many_maps_as_outputs():
    trunk, _, _ = heads()
    images = torch.randn(2, 1, 32, 32)
    drawn = UNetHead(trunk.channels, WIDTHS, 3)(trunk(images), images)
    assert drawn.shape == (2, 3, 32, 32)
