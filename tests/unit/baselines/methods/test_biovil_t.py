"""BioViL-T: the missing earlier image, the comparison of two, and where its files are read from."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from baselines.biovil_t import BASELINE, build, load
from baselines.methods.biovil_t import ImageComparison, sine_places
from benchmark.errors import NotApplicable, UsageError
from benchmark.interfaces import BuildContext, PretrainBatch
from tests.released import biovil, biovil_t

REPORTS = ("no effusion is seen", "small nodule. mild edema", "cardiomegaly")
PATCH = BASELINE.sizes["toy"]["patch_width"]


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def model():
    context = BuildContext(BASELINE.sizes["toy"], BASELINE.options, 32, reports=lambda: REPORTS)
    return build(context).eval()


def by_torch(block, tokens, places):
    """A block as `nn.MultiheadAttention` and the formulas of its parts have it."""
    attention = nn.MultiheadAttention(tokens.shape[2], block.attn.heads, batch_first=True)
    parts = [block.attn.proj_q, block.attn.proj_k, block.attn.proj_v]
    attention.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
    attention.in_proj_bias.zero_()
    attention.out_proj.load_state_dict(block.attn.proj.state_dict())
    placed = block.norm1(tokens) + places
    tokens = tokens + attention(placed, placed, placed)[0]
    hidden = block.mlp["fc1"](block.norm2(tokens))
    hidden = hidden * 0.5 * (1 + torch.erf(hidden / math.sqrt(2)))
    return tokens + block.mlp["fc2"](hidden)


@torch.no_grad()
def test_two_images_are_compared_as_torchs_own_attention_does():
    with torch.random.fork_rng():
        torch.manual_seed(3)
        pooler = ImageComparison(16, layers=2, heads=4).eval()
        for parameter in pooler.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    current, earlier = drawn(2, 16, 3, 5), drawn(2, 16, 3, 5, seed=1)
    tokens = torch.stack(
        [
            torch.stack([maps[sample, :, row, column] for maps in (current, earlier)])
            for sample in range(2)
            for row in range(3)
            for column in range(5)
        ]
    )
    tokens = tokens.view(2, 15, 2, 16).transpose(1, 2).reshape(2, 30, 16)
    table = sine_places(16, 3, 5)
    places = torch.cat([table + pooler.type_embed[0], table + pooler.type_embed[1]])
    for block in pooler.blocks:
        tokens = by_torch(block, tokens, places)
    found = pooler(current, earlier)
    assert found.shape == current.shape
    for row, column in ((0, 0), (1, 3), (2, 4)):
        expected = pooler.norm_post(tokens[:, row * 5 + column])
        assert torch.allclose(found[:, :, row, column], expected, atol=1e-5)


def test_places_span_one_turn_by_rows_then_columns():
    rows, columns, width = 3, 4, 12
    table = sine_places(width, rows, columns).numpy()
    assert table.shape == (rows * columns, width)
    for row, column in ((0, 0), (1, 3), (2, 2)):
        expected = []
        for index, count in ((row, rows), (column, columns)):
            for channel in range(width // 2):
                exponent = 2 * (channel // 2) / (width / 2)
                angle = 2 * math.pi * (index + 1) / count / 10000**exponent
                expected.append(math.cos(angle) if channel % 2 else math.sin(angle))
        np.testing.assert_allclose(table[row * columns + column], expected, atol=1e-6)
    with pytest.raises(UsageError):
        sine_places(6, 2, 2)


@torch.no_grad()
def test_without_an_earlier_image_its_half_is_one_learned_vector(model):
    images = drawn(2, 1, 32, 32)
    fused = model.fused_map(images)
    own, changed = fused.split(PATCH, dim=1)
    kernel = model.backbone_to_vit.weight[:, :, 0, 0]
    expected = torch.einsum("oc,bcij->boij", kernel, model.last_map(images))
    assert torch.allclose(own, expected, atol=1e-5)
    missing = model.missing_previous_emb.flatten()
    assert torch.equal(changed, missing[None, :, None, None].expand_as(changed))
    assert model.backbone_to_vit.bias is None


@torch.no_grad()
def test_an_earlier_image_changes_the_second_half_alone_and_the_order_counts(model):
    now, before = drawn(2, 1, 32, 32), drawn(2, 1, 32, 32, seed=1)
    alone, both, turned = (
        model.fused_map(now),
        model.fused_map(now, before),
        model.fused_map(before, now),
    )
    assert torch.allclose(alone[:, :PATCH], both[:, :PATCH], atol=1e-6)
    assert not torch.allclose(alone[:, PATCH:], both[:, PATCH:], atol=1e-2)
    assert not torch.allclose(turned[:, PATCH:], both[:, PATCH:], atol=1e-3)
    patches = model.patch_features(now, projected=True, earlier=before)
    assert torch.allclose(model.image_embedding(now, before), patches.mean(dim=1))
    assert not torch.allclose(model.image_embedding(now), patches.mean(dim=1), atol=1e-5)


@torch.no_grad()
def test_vectors_are_projected_patches_and_probes_read_the_resnet(model):
    images = drawn(2, 1, 32, 32)
    maps = model.projector(model.fused_map(images))
    patches = model.patch_features(images, projected=True)
    assert torch.allclose(patches[1, 6], maps[1, :, 1, 2])
    assert torch.allclose(model.image_embedding(images), maps.mean(dim=(2, 3)), atol=1e-6)
    plain = model.patch_features(images, projected=False)
    assert plain.shape[2] == model.feature_dim
    trunk = model.classification_trunk(0.0).eval()
    assert torch.allclose(trunk(images), plain.mean(dim=1), atol=1e-5)


def test_nothing_is_trained_here(model):
    batch = PretrainBatch(drawn(2, 1, 32, 32), REPORTS[:2])
    with pytest.raises(NotApplicable, match="objective"):
        model.pretraining_loss(batch, torch.Generator())
    assert not hasattr(model, "language_head")
    assert BASELINE.pretraining is None
    assert (BASELINE.image_profile.mean, BASELINE.image_profile.std) == (0.0, 1.0)


def test_sizes_of_a_file_come_from_its_shapes(tmp_path):
    found = load(biovil_t.FIXTURES[0].write(tmp_path))
    assert (found.image_size, found.grid) == (448, (14, 14))
    assert len(found.vit_pooler.blocks) == 3
    # 32 channels a head, as officially.
    assert [block.attn.heads for block in found.vit_pooler.blocks] == [2, 2, 2]
    assert found.projector.model[0].weight.shape[:2] == (biovil.SHARED, 2 * biovil_t.PATCH)


def test_the_text_model_in_a_folder_of_its_name_stands_above_one_beside(tmp_path):
    path = biovil_t.FIXTURES[0].write(tmp_path)
    torch.save(biovil.texts(5), tmp_path / "pytorch_model.bin")
    folder = tmp_path / "BiomedVLP-BioViL-T"
    folder.mkdir()
    torch.save(biovil.texts(6), folder / "pytorch_model.bin")
    name = "cls_projection_head.dense_to_output.bias"
    assert torch.equal(load(path).state_dict()[name], biovil.texts(6)[name])
    (folder / "pytorch_model.bin").unlink()
    assert torch.equal(load(path).state_dict()[name], biovil.texts(5)[name])
