"""REFERS' released image tower: against timm's own transformer and one by hand; trunks; errors."""

from __future__ import annotations

import pytest
import torch
from timm.layers import resample_abs_pos_embed
from timm.models.vision_transformer import VisionTransformer
from torch.nn import functional

from baselines import refers
from benchmark.errors import BadDataError, NotApplicable
from tests.released import refers as files

SIDE, WIDTH = 32, files.WIDTH
HEADS = WIDTH // 64


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return refers.load(files.FIXTURES[0].write(tmp_path_factory.mktemp("weights")))


def grey(count=2, side=SIDE, seed=1):
    return torch.rand(count, 1, side, side, generator=torch.Generator().manual_seed(seed))


def normalised(images):
    profile = refers.BASELINE.image_profile
    return (images - profile.mean) / profile.std


def in_three_colours(images):
    mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    deviation = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    return (images.expand(-1, 3, -1, -1) - mean) / deviation


def by_hand(tensors, images):
    """The tower from the file's own tensors: query, key and value apart, one head at a time."""
    start, layer = files.EMBEDDINGS, files.LAYER

    def linear(name, value):
        return value @ tensors[f"{name}.weight"].T + tensors[f"{name}.bias"]

    def norm(name, value):
        centred = value - value.mean(-1, keepdim=True)
        spread = (centred.square().mean(-1, keepdim=True) + 1e-6).sqrt()
        return centred / spread * tensors[f"{name}.weight"] + tensors[f"{name}.bias"]

    patches = functional.conv2d(
        images,
        tensors[f"{start}patch_embeddings.weight"],
        tensors[f"{start}patch_embeddings.bias"],
        stride=files.PATCH,
    )
    first = tensors[f"{start}cls_token"].expand(len(images), -1, -1)
    tokens = torch.cat([first, patches.flatten(2).mT], 1) + tensors[f"{start}position_embeddings"]
    for index in range(files.DEPTH):
        name = f"{layer}{index}"
        inner = norm(f"{name}.attention_norm", tokens)
        parts = [linear(f"{name}.attn.{part}", inner) for part in ("query", "key", "value")]
        heads = []
        for query, key, value in zip(*(part.split(64, dim=2) for part in parts), strict=True):
            heads.append((query @ key.mT / 64**0.5).softmax(-1) @ value)
        tokens = tokens + linear(f"{name}.attn.out", torch.cat(heads, 2))
        inner = linear(f"{name}.ffn.fc1", norm(f"{name}.ffn_norm", tokens))
        inner = inner * (1 + torch.erf(inner / 2**0.5)) / 2
        tokens = tokens + linear(f"{name}.ffn.fc2", inner)
    return norm("transformer.encoder.encoder_norm", tokens)


def of_timm(model, side):
    own = VisionTransformer(
        img_size=side,
        patch_size=files.PATCH,
        embed_dim=WIDTH,
        depth=files.DEPTH,
        num_heads=HEADS,
        num_classes=0,
        global_pool="token",
    )
    state = dict(model.state_dict())
    state["pos_embed"] = resample_abs_pos_embed(state["pos_embed"], [side // files.PATCH] * 2)
    own.load_state_dict(state, strict=True)
    return own.eval()


@torch.no_grad()
def test_tokens_are_what_the_files_own_tensors_give(model):
    images = grey()
    wanted = by_hand(files.state(7), in_three_colours(images))
    found = normalised(images)
    assert torch.allclose(model.pooled_features(found), wanted[:, 0], atol=1e-4)
    assert torch.allclose(model.patch_features(found, False), wanted[:, 1:], atol=1e-4)
    assert torch.equal(model.image_embedding(found), model.pooled_features(found))


@pytest.mark.parametrize("side", [SIDE, 48])
@torch.no_grad()
def test_features_are_those_of_timms_transformer(model, side):
    images, own = grey(side=side), of_timm(model, side)
    wanted = own.forward_features(in_three_colours(images))
    assert torch.allclose(model.tokens(normalised(images)), wanted, atol=1e-4)
    pooled = own(in_three_colours(images))
    assert torch.allclose(model.pooled_features(normalised(images)), pooled, atol=1e-4)


@torch.no_grad()
def test_maps_of_the_dense_trunk_are_those_behind_timms_blocks(model):
    images = grey(side=48)
    trunk = model.dense_trunk((4, 12)).eval()
    wanted = of_timm(model, 48).forward_intermediates(
        in_three_colours(images), indices=[0, 2], intermediates_only=True
    )
    for found, expected in zip(trunk(normalised(images)), wanted, strict=True):
        assert torch.allclose(found, expected, atol=1e-4)


def test_the_trunk_is_a_copy_whose_positions_learn(model):
    images = normalised(grey())
    trunk = model.classification_trunk(0.0)
    with torch.no_grad():
        assert torch.equal(trunk(images), model.pooled_features(images))
    trunk(images).square().sum().backward()
    learned = dict(trunk.named_parameters())
    assert all(parameter.grad is not None for parameter in learned.values())
    assert learned["tower.pos_embed"].shape == model.pos_embed.shape
    assert all(parameter.grad is None for parameter in model.parameters())


@torch.no_grad()
def test_blocks_are_left_out_in_training_alone(model):
    images = normalised(grey(count=16))
    trunk = model.classification_trunk(0.9)
    assert torch.equal(trunk.eval()(images), model.pooled_features(images))
    torch.manual_seed(0)
    assert not torch.allclose(trunk.train()(images), model.pooled_features(images))


def test_the_classifier_of_a_tuned_file_is_unused(tmp_path, model):
    assert model.loaded_from["unused"] == []
    tuned = refers.load(files.FIXTURES[1].write(tmp_path))
    assert tuned.loaded_from["unused"] == ["head.bias", "head.weight"]


@pytest.mark.parametrize("part", ["query", "key", "value"])
def test_a_part_of_the_attention_that_is_missing_is_named(tmp_path, part):
    def change(tensors):
        del tensors[f"{files.LAYER}1.attn.{part}.weight"]

    with pytest.raises(BadDataError, match=rf"blocks\.1\.attn\.{part}\.weight"):
        refers.load(files.FIXTURES[0].write(tmp_path, change=change))


def test_what_is_not_offered_says_why(model):
    with pytest.raises(NotApplicable, match="image tower alone"):
        model.text_embedding(["no effusion"])
    with pytest.raises(NotApplicable, match="not trained on"):
        model.pretraining_loss(None, None)
    assert model.patch_weights() is None and model.progress_arrays() == {}
