"""Ark: its features against timm's own computation, image sizes, trunks, forms of its files."""

from __future__ import annotations

import pytest
import torch
from timm.models.swin_transformer import SwinTransformer
from torch.nn import functional

from baselines import ark
from baselines.checkpoints.formats.ark import move_merging
from baselines.methods.ark import Ark, make_projector
from benchmark.errors import BadDataError, NotApplicable
from tests.released import ark as files

SIZE = {
    "patch": 2,
    "channels": 3,
    "width": 8,
    "depths": [2, 2, 4, 2],
    "heads": [1, 2, 4, 8],
    "window": 3,
    "projector_layers": 2,
    "projector_width": 12,
    "labels": [4, 1],
}
SIDE = 48
"""Maps of 24, 12, 6 and 3 cells: the last is one window, as at 224 px with windows of 7."""


def grey(count=2, side=SIDE, seed=0):
    return torch.rand(count, 1, side, side, generator=torch.Generator().manual_seed(seed))


def normalised(images):
    profile = ark.BASELINE.image_profile
    return (images - profile.mean) / profile.std


def in_three_colours(images):
    mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    deviation = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    return (images.expand(-1, 3, -1, -1) - mean) / deviation


@pytest.fixture(scope="module")
def model():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        found = Ark(SIZE, SIDE)
        with torch.no_grad():
            for parameter in found.parameters():
                parameter.add_(0.1 * torch.randn(parameter.shape))
    return found.eval()


def of_timm(model, side):
    """timm's model as it is meant: built for one size, every shift and mask settled then."""
    own = SwinTransformer(
        img_size=side,
        patch_size=SIZE["patch"],
        num_classes=0,
        embed_dim=SIZE["width"],
        depths=tuple(SIZE["depths"]),
        num_heads=tuple(SIZE["heads"]),
        window_size=SIZE["window"],
    )
    own.load_state_dict(model.swin.state_dict(), strict=True)
    return own.eval()


@pytest.mark.parametrize("side", [SIDE, 96, 2 * 35])
@torch.no_grad()
def test_features_are_those_of_a_model_that_timm_builds_for_the_size(model, side):
    images = grey(side=side)
    wanted = of_timm(model, side).forward_features(in_three_colours(images))
    cells = model.patch_features(normalised(images), projected=False)
    assert torch.allclose(cells, wanted.flatten(1, 2), atol=1e-4)
    pooled = model.classification_trunk(0.0).eval()(normalised(images))
    assert torch.allclose(pooled, wanted.mean(dim=(1, 2)), atol=1e-4)


@torch.no_grad()
def test_one_size_after_another_changes_nothing(model):
    images = normalised(grey())
    before = model.patch_features(images, projected=False)
    model.patch_features(normalised(grey(side=96)), projected=False)
    assert torch.equal(model.patch_features(images, projected=False), before)


@torch.no_grad()
def test_shifted_windows_are_masked(model):
    """A block of shifted windows by hand: cells attend where window and side of the seam agree."""
    block, grid, window = model.swin.layers[0].blocks[1], 6, SIZE["window"]
    block.shift_size = (1, 1)
    tokens = torch.randn(1, grid, grid, SIZE["width"], generator=torch.Generator().manual_seed(3))
    places = [(row, column) for row in range(grid) for column in range(grid)]

    def region(place):
        # Windows begin one cell late; the first row and column are windows of their own.
        return tuple((part - 1) // window if part else -1 for part in place)

    table = block.attn.relative_position_bias_table[:, 0].view(2 * window - 1, 2 * window - 1)
    cells = block.norm1(tokens).flatten(1, 2)[0]
    query, key, value = block.attn.qkv(cells).chunk(3, dim=1)
    scores = query @ key.T / SIZE["width"] ** 0.5
    for i, one in enumerate(places):
        for j, other in enumerate(places):
            if region(one) == region(other):
                row, column = (a - b + window - 1 for a, b in zip(one, other, strict=True))
                scores[i, j] += table[row, column]
            else:
                scores[i, j] = -torch.inf
    attended = tokens[0].flatten(0, 1) + block.attn.proj(scores.softmax(dim=1) @ value)
    wanted = attended + block.mlp(block.norm2(attended))
    assert torch.allclose(block(tokens)[0].flatten(0, 1), wanted, atol=1e-5)


@torch.no_grad()
def test_embedding_and_classifiers_read_behind_the_projector(model):
    images = normalised(grey())
    pooled = model.patch_features(images, projected=False).mean(dim=1)
    first, last = model.projector[0], model.projector[2]
    hidden = functional.linear(pooled, first.weight, first.bias).clamp(min=0)
    wanted = functional.linear(hidden, last.weight, last.bias)
    assert torch.allclose(model.image_embedding(images), wanted, atol=1e-5)
    logits = model.label_logits(images)
    assert [one.shape for one in logits] == [(2, 4), (2, 1)]
    for found, head in zip(logits, model.omni_heads, strict=True):
        assert torch.allclose(found, wanted @ head.weight.T + head.bias, atol=1e-5)


def test_a_file_without_projector_is_read_by_its_classifiers_at_once():
    assert make_projector(8, 0, 0)(torch.ones(1)) == 1
    bare = Ark({**SIZE, "projector_layers": 0, "projector_width": 0}, SIDE)
    assert bare.omni_heads[0].in_features == bare.feature_dim


def test_dense_maps_are_the_normed_stages(model):
    trunk = model.dense_trunk((3, 6, 9, 12)).eval()
    images = normalised(grey(side=96))
    with torch.no_grad():
        maps = trunk(images)
        stages = of_timm(model, 96).forward_intermediates(
            in_three_colours(grey(side=96)), intermediates_only=True
        )
        cells = model.patch_features(images, projected=False)
    assert [one.shape[1:] for one in maps] == [(8, 48, 48), (16, 24, 24), (32, 12, 12), (64, 6, 6)]
    assert trunk.channels == (8, 16, 32, 64) and trunk.strides == (2, 4, 8, 16)
    for found, stage in zip(maps[:-1], stages[:-1], strict=True):
        wanted = functional.layer_norm(stage.movedim(1, 3), stage.shape[1:2]).movedim(3, 1)
        assert torch.allclose(found, wanted, atol=1e-4)
    assert torch.allclose(maps[-1].flatten(2).transpose(1, 2), cells, atol=1e-5)
    trunk.train()
    sum(one.square().sum() for one in trunk(images)).backward()
    assert all(parameter.grad is not None for parameter in trunk.parameters())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_stages_are_the_layers_of_a_dense_trunk(model):
    trunk = model.dense_trunk((12,))
    wanted = {
        "swin.patch_embed.proj.weight": 0,
        "swin.layers.0.blocks.1.mlp.fc1.bias": 1,
        "norms.0.weight": 1,
        "swin.layers.1.downsample.norm.bias": 2,
        "swin.layers.3.blocks.0.norm1.weight": 4,
        "swin.norm.weight": 4,
    }
    assert wanted.keys() <= {name for name, _ in trunk.named_parameters()}
    assert {name: trunk.layer_of(name) for name in wanted} == wanted
    assert trunk.layers == 5


def test_blocks_are_left_out_in_training_alone(model):
    images = normalised(grey(8))
    trunk = model.classification_trunk(0.9)
    rates = [block.drop_path1 for stage in trunk.swin.layers for block in stage.blocks]
    assert isinstance(rates[0], torch.nn.Identity)
    assert rates[-1].drop_prob == pytest.approx(0.9)
    assert rates[3].drop_prob == pytest.approx(0.9 * 3 / 9)
    with torch.no_grad():
        pooled = model.patch_features(images, projected=False).mean(dim=1)
        assert torch.allclose(trunk.eval()(images), pooled, atol=1e-5)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            assert not torch.allclose(trunk.train()(images), pooled, atol=1e-2)


def test_merging_moves_to_the_next_stage_once():
    names = [f"swin.layers.{index}.downsample.norm.bias" for index in (0, 1, 2)]
    old = {name: torch.tensor(place) for place, name in enumerate(names)}
    old |= {"swin.layers.2.blocks.0.norm1.bias": torch.tensor(7)}
    new = move_merging(old)
    assert {name: int(value) for name, value in new.items()} == {
        "swin.layers.1.downsample.norm.bias": 0,
        "swin.layers.2.downsample.norm.bias": 1,
        "swin.layers.3.downsample.norm.bias": 2,
        "swin.layers.2.blocks.0.norm1.bias": 7,
    }
    assert move_merging(new) == new


@torch.no_grad()
def test_a_file_of_a_newer_timm_is_the_same_model(tmp_path):
    tensors = files.one_layer(7)
    torch.save(tensors, tmp_path / "old.pth.tar")
    torch.save(files.by_new_names(tensors), tmp_path / "new.pth.tar")
    old, new = (ark.load(tmp_path / f"{name}.pth.tar") for name in ("old", "new"))
    images = normalised(grey(side=32))
    assert old.image_size == new.image_size == 32
    assert torch.equal(old.image_embedding(images), new.image_embedding(images))


def test_sizes_come_from_shapes_and_the_teacher_stands_above_the_student(tmp_path):
    for item, side, hidden in zip(files.FIXTURES, (64, 32), (2, 1), strict=True):
        found = ark.load(item.write(tmp_path / item.name))
        assert (found.image_size, found.grid) == (side, (side // 16, side // 16))
        assert [len(stage.blocks) for stage in found.swin.layers] == list(files.DEPTHS)
        assert found.swin.layers[2].blocks[0].attn.num_heads == files.HEADS[2]
        assert found.swin.layers[3].blocks[1].window_size == (files.WINDOW, files.WINDOW)
        assert sum(isinstance(m, torch.nn.Linear) for m in found.projector.modules()) == hidden
        assert [head.out_features for head in found.omni_heads] == list(files.LABELS)
        wanted = item.state(7)["norm.weight"]
        assert torch.equal(found.swin.norm.weight.detach(), wanted)


def test_a_student_by_itself_is_read_and_a_plain_swin_is_not(tmp_path):
    content = files.wrap(files.two_layers(7))
    del content["teacher"]
    torch.save(content, tmp_path / "student.pth")
    assert ark.load(tmp_path / "student.pth").image_size == 64
    torch.save(files.drawn(files.tower_shapes(32), 7), tmp_path / "swin.pth")
    with pytest.raises(BadDataError, match="of no known form"):
        ark.load(tmp_path / "swin.pth")


def test_what_is_not_offered_says_why(model):
    with pytest.raises(NotApplicable, match="no text tower"):
        model.text_embedding(["no effusion"])
    with pytest.raises(NotApplicable, match="objective needs the expert labels"):
        model.pretraining_loss(None, None)
    assert model.patch_weights() is None and model.temperature() == 1.0
