"""Grey images in ImageNet's three colours, inside the first convolution."""

import torch
from torch import nn

from baselines import medklip
from baselines.encoders.imagenet_colours import GREY_DEVIATION, GREY_MEAN, in_colours


def test_the_profile_is_the_one_that_is_undone():
    profile = medklip.BASELINE.image_profile
    assert (profile.mean, profile.std) == (GREY_MEAN, GREY_DEVIATION)


def test_the_state_is_that_of_the_convolution_and_padding_comes_last():
    old = nn.Conv2d(3, 5, 3, stride=2, padding=1)
    new = in_colours(old)
    assert {name: id(value) for name, value in new.named_parameters()} == {
        name: id(value) for name, value in old.named_parameters()
    }
    assert set(new.state_dict()) == set(old.state_dict())
    grey = torch.rand(2, 1, 7, 7, generator=torch.Generator().manual_seed(1))
    colours = torch.cat(
        [(grey - 0.485) / 0.229, (grey - 0.456) / 0.224, (grey - 0.406) / 0.225], dim=1
    )
    ours = ((grey - GREY_MEAN) / GREY_DEVIATION).expand(-1, 3, -1, -1)
    assert torch.allclose(new(ours), old(colours), atol=1e-5)
    assert not torch.allclose(new(ours), old(ours), atol=1e-2)


def test_a_convolution_without_bias_stays_without():
    assert in_colours(nn.Conv2d(3, 4, 7, bias=False)).bias is None
