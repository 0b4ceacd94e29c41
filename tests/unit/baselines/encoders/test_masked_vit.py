"""Masked encoder: what is kept, what the trunk computes, other input sizes."""

from functools import partial

import pytest
import torch
from timm.layers import DropPath
from timm.models.vision_transformer import VisionTransformer

from baselines.encoders.masked_vit import MaskedAutoencoder, random_mask
from benchmark.errors import UsageError

SIZE = {
    "patch": 8,
    "channels": 1,
    "width": 16,
    "depth": 3,
    "heads": 2,
    "decoder_width": 8,
    "decoder_depth": 1,
    "decoder_heads": 2,
}


@pytest.fixture(scope="module")
def encoder():
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(3)
        model = MaskedAutoencoder(SIZE, 32)
        model.initialise()
    return model.eval()


def images(count=2, side=32):
    return torch.randn(count, 1, side, side, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize(("ratio", "kept"), [(0.5, 4), (0.75, 2), (0.0, 9), (0.4, 5)])
def test_the_lowest_noise_is_kept(ratio, kept):
    noise = torch.rand(3, 9, generator=torch.Generator().manual_seed(1))
    chosen, restore, mask = random_mask(noise, ratio)
    assert chosen.shape == (3, kept)
    for row in range(3):
        lowest = sorted(range(9), key=lambda patch: float(noise[row, patch]))[:kept]
        assert chosen[row].tolist() == lowest
        assert [patch for patch in range(9) if mask[row, patch] == 0] == sorted(lowest)
        assert [restore[row].tolist()[patch] for patch in lowest] == list(range(kept))


@torch.no_grad()
def test_removed_patches_do_not_reach_the_encoder(encoder):
    noise = torch.rand(2, 16, generator=torch.Generator().manual_seed(2))
    tokens, mask, restore = encoder.encode_masked(images(), noise, 0.5)
    pixels = mask.reshape(2, 1, 4, 4).repeat_interleave(8, 2).repeat_interleave(8, 3)
    changed, _, _ = encoder.encode_masked(images() + 9 * pixels, noise, 0.5)
    assert torch.equal(tokens, changed)
    seen, _, _ = encoder.encode_masked(images() + 9 * (1 - pixels), noise, 0.5)
    assert not torch.allclose(tokens, seen)
    assert encoder.decode(tokens, restore).shape == (2, 16, 64)


@torch.no_grad()
def test_no_masking_equals_the_plain_encoder(encoder):
    noise = torch.rand(2, 16, generator=torch.Generator().manual_seed(2))
    tokens, _, restore = encoder.encode_masked(images(), noise, 0.0)
    ordered = tokens[:, 1:].gather(1, restore[:, :, None].expand(-1, -1, 16))
    plain = encoder.encode(encoder.embedded_patches(images()))
    assert torch.allclose(ordered, plain[:, 1:], atol=1e-5)
    assert torch.allclose(tokens[:, 0], plain[:, 0], atol=1e-5)


@torch.no_grad()
def test_trunk_equals_a_timm_vit_with_mean_pooling(encoder):
    trunk = encoder.classification_trunk(0.0).eval()
    timm_vit = VisionTransformer(
        img_size=32,
        patch_size=8,
        in_chans=1,
        embed_dim=16,
        depth=3,
        num_heads=2,
        num_classes=0,
        global_pool="avg",
        fc_norm=True,
        norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
    ).eval()
    timm_vit.load_state_dict(trunk.state_dict())
    assert torch.allclose(trunk(images()), timm_vit(images()), atol=1e-5)


def test_trunk_is_a_fresh_copy_with_growing_drop_path(encoder):
    trunk = encoder.classification_trunk(0.2)
    rates = [
        block.drop_path1.drop_prob if isinstance(block.drop_path1, DropPath) else 0.0
        for block in trunk.blocks
    ]
    assert rates == pytest.approx([0.0, 0.1, 0.2])
    assert not any(name.startswith("norm.") for name in trunk.state_dict())
    before = encoder.blocks[0].attn.qkv.weight.clone()
    trunk(images()).sum().backward()
    assert all(parameter.grad is not None for parameter in trunk.parameters())
    with torch.no_grad():
        trunk.blocks[0].attn.qkv.weight.add_(1.0)
    assert torch.equal(before, encoder.blocks[0].attn.qkv.weight)
    assert encoder.blocks[0].attn.qkv.weight.grad is None
    torch.manual_seed(0)
    assert not torch.equal(trunk.train()(images()), trunk(images()))


@torch.no_grad()
def test_other_image_sizes_are_accepted(encoder):
    assert encoder.encode(encoder.embedded_patches(images(1, 64))).shape == (1, 65, 16)
    assert encoder.classification_trunk(0.1).eval()(images(1, 48)).shape == (1, 16)


@torch.no_grad()
def test_grey_images_are_repeated_to_three_channels():
    model = MaskedAutoencoder({**SIZE, "channels": 3}, 32).eval()
    grey = images()
    assert torch.equal(
        model.embedded_patches(grey), model.embedded_patches(grey.repeat(1, 3, 1, 1))
    )


def test_impossible_sizes_are_usage_errors():
    with pytest.raises(UsageError, match="patches of 8 px"):
        MaskedAutoencoder(SIZE, 36)
    with pytest.raises(UsageError, match="attention heads"):
        MaskedAutoencoder({**SIZE, "heads": 3}, 32)
