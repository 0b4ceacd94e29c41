from __future__ import annotations

import pytest
import torch

from baselines.encoders.masked_vit import MaskedAutoencoder
from baselines.encoders.settings import SIZES
from baselines.encoders.stem import ConvolutionStem
from benchmark.errors import UsageError


@pytest.mark.parametrize(("patch", "channels"), [(2, 1), (8, 1), (16, 3)])
def test_one_embedding_a_patch(patch: int, channels: int) -> None:
    stem = ConvolutionStem(patch, channels, 48)
    assert stem(torch.zeros(2, channels, 4 * patch, 6 * patch)).shape == (2, 24, 48)


@pytest.mark.parametrize("patch", [1, 6, 12])
def test_a_patch_that_is_no_power_of_two_is_refused(patch: int) -> None:
    with pytest.raises(UsageError, match="patch"):
        ConvolutionStem(patch, 1, 48)


def test_pixels_of_removed_patches_reach_no_token() -> None:
    torch.manual_seed(0)
    model = MaskedAutoencoder({**SIZES["demo"], "stem": "convolution"}, 64).eval()
    images = torch.randn(2, 1, 64, 64)
    noise = torch.rand(2, 64)
    tokens, mask, _ = model.encode_masked(images, noise, 0.5)
    removed = torch.repeat_interleave(torch.repeat_interleave(mask.reshape(2, 1, 8, 8), 8, 2), 8, 3)
    changed = images + removed * torch.randn(2, 1, 64, 64)
    assert not torch.equal(images, changed)
    assert torch.equal(tokens, model.encode_masked(changed, noise, 0.5)[0])


def test_the_real_size_keeps_the_official_patch_embedding() -> None:
    assert "stem" not in SIZES["paper"]


def test_brightness_reaches_the_tokens() -> None:
    torch.manual_seed(0)
    stem = ConvolutionStem(8, 1, 48)
    images = torch.rand(16, 1, 32, 32)
    for _ in range(50):
        stem(images)  # settles the running statistics
    stem.eval()
    with torch.no_grad():
        plain, brighter = stem(images), stem(images + 0.5)
    assert (brighter - plain).abs().mean() > 0.1 * plain.abs().mean()


def test_an_image_does_not_depend_on_its_batch_in_use() -> None:
    torch.manual_seed(0)
    stem = ConvolutionStem(8, 1, 48).eval()
    images = torch.rand(4, 1, 32, 32)
    with torch.no_grad():
        assert torch.allclose(stem(images)[:1], stem(images[:1]), atol=1e-6)
