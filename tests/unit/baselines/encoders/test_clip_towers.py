"""CLIP's towers: what each token sees, sizes from shapes, and files that do not fit."""

from __future__ import annotations

import pytest
import torch

from baselines.encoders.clip_towers import ClipSize, ClipTowers, QuickGELU, clip_size, clip_towers
from benchmark.errors import BadDataError

SIZE = ClipSize(
    embed=16,
    image=32,
    patch=8,
    width=128,
    depth=2,
    context=9,
    vocabulary=30,
    text_width=64,
    text_depth=3,
)


@pytest.fixture
def state():
    generator = torch.Generator().manual_seed(0)
    draw = {
        key: 0.2 * torch.randn(value.shape, generator=generator)
        for key, value in ClipTowers(SIZE).state_dict().items()
    }
    return draw | {"logit_scale": torch.tensor(1.0)}


def test_sizes_come_from_shapes(state):
    assert clip_size(state) == SIZE
    towers = clip_towers(state)
    assert towers.size == SIZE
    assert not towers.training
    assert float(towers.scale().detach()) == pytest.approx(2.71828, rel=1e-5)


def test_the_real_size_has_the_tensors_of_the_official_file():
    with torch.device("meta"):
        towers = ClipTowers(ClipSize(512, 224, 32, 768, 12, 77, 49408, 512, 12))
    keys = {key: tuple(value.shape) for key, value in towers.state_dict().items()}
    assert len(keys) == 302
    assert keys["visual.positional_embedding"] == (50, 768)
    assert keys["visual.transformer.resblocks.11.attn.in_proj_weight"] == (2304, 768)
    assert keys["transformer.resblocks.11.mlp.c_fc.weight"] == (2048, 512)
    assert keys["text_projection"] == (512, 512)
    assert towers.visual.transformer.resblocks[0].attn.num_heads == 12
    assert towers.transformer.resblocks[0].attn.num_heads == 8


@torch.no_grad()
def test_half_precision_files_with_facts_are_read(state):
    half = {key: value.half() for key, value in state.items()}
    towers = clip_towers(half | {"context_length": torch.tensor(9)})
    assert {value.dtype for value in towers.state_dict().values()} == {torch.float32}
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    features = towers.image_features(images)
    assert torch.allclose(features, clip_towers(state).image_features(images), rtol=0.05, atol=0.5)
    assert features.shape == (2, 16)


def test_files_that_do_not_fit_are_refused(state):
    with pytest.raises(BadDataError, match=r"1 of \d+ tensors.*ln_final\.bias"):
        clip_towers({key: value for key, value in state.items() if key != "ln_final.bias"})
    with pytest.raises(BadDataError, match=r"head\.weight"):
        clip_towers(state | {"head.weight": torch.zeros(2)})
    with pytest.raises(BadDataError, match=r"visual\.conv1\.weight"):
        clip_towers({"conv1.weight": torch.zeros(2)})
    with pytest.raises(BadDataError, match="64"):
        ClipTowers(ClipSize(16, 32, 8, 100, 1, 9, 30, 64, 1))


def test_the_activation_is_the_quick_one():
    values = torch.linspace(-3, 3, 7)
    expected = [x / (1 + 2.718281828 ** (-1.702 * x)) for x in values.tolist()]
    assert QuickGELU()(values).tolist() == pytest.approx(expected, abs=1e-5)
    assert not torch.allclose(QuickGELU()(values), torch.nn.functional.gelu(values), atol=1e-3)


@torch.no_grad()
def test_a_text_is_read_at_its_end_token_and_not_behind(state):
    towers = clip_towers(state)
    ids = torch.tensor([[28, 5, 6, 29, 0, 0]])
    found = towers.text_features(ids)
    # What stands behind the end token is seen by nobody who matters.
    behind = torch.tensor([[28, 5, 6, 29, 11, 12, 13]])
    assert torch.allclose(towers.text_features(behind), found, atol=1e-5)
    for other in ([[28, 5, 7, 29, 0, 0]], [[28, 6, 5, 29, 0, 0]], [[28, 5, 6, 6, 29, 0]]):
        assert not torch.allclose(towers.text_features(torch.tensor(other)), found, atol=1e-3)
    with pytest.raises(BadDataError, match="10 tokens"):
        towers.text_features(torch.zeros(1, 10, dtype=torch.int64))


@torch.no_grad()
def test_images_of_one_channel_and_other_sides(state):
    towers = clip_towers(state)
    grey = torch.randn(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    found = towers.image_features(grey)
    assert torch.equal(found, towers.image_features(grey.repeat(1, 3, 1, 1)))
    patches = towers.patch_features(grey, projected=False)
    assert patches.shape == (2, 16, 128)
    projected = towers.patch_features(grey, projected=True)
    assert torch.allclose(projected, patches @ towers.visual.proj)
    assert towers.patch_features(torch.randn(1, 1, 48, 40), projected=True).shape == (1, 30, 16)
