"""ResNet encoders: the last map, its pooling, other sizes; checked against torch operators."""

import pytest
import torch
from timm.layers import DropPath
from torch.nn import functional

from baselines.encoders.resnet import ResNetEncoder, build_resnet
from baselines.encoders.sizes import RESNET_IMAGE as SIZES
from baselines.random_init_resnet50 import BASELINE
from benchmark.errors import NotApplicable
from benchmark.interfaces import BuildContext, PretrainBatch
from benchmark.workshop import load_trained


def build(size="toy", side=32, seed=0):
    return build_resnet(BuildContext(SIZES[size], {}, side, seed=seed)).eval()


def images(count=2, side=32):
    return torch.randn(count, 1, side, side, generator=torch.Generator().manual_seed(5))


def test_the_paper_size_is_resnet50():
    with torch.device("meta"):
        model = ResNetEncoder(SIZES["paper"], 224)
    convolutions = [item for item in model.modules() if isinstance(item, torch.nn.Conv2d)]
    # 53 convolutions, 23.5 million parameters without the classifier.
    assert len(convolutions) == 53
    assert sum(parameter.numel() for parameter in model.parameters()) == 23_508_032
    assert (model.grid, model.feature_dim) == ((7, 7), 2048)
    assert model.backbone.conv1.weight.shape == (64, 3, 7, 7)


@torch.inference_mode()
@pytest.mark.parametrize(
    ("size", "side", "grid"), [("demo", 64, 4), ("demo", 100, 7), ("toy", 32, 4), ("toy", 33, 5)]
)
def test_the_grid_is_that_of_the_last_map(size, side, grid):
    model = build(size, side)
    patches = model.patch_features(images(side=side), projected=True)
    assert model.grid == (grid, grid)
    assert patches.shape == (2, grid * grid, model.feature_dim)
    assert torch.isfinite(patches).all()


@torch.inference_mode()
def test_trunk_embedding_and_patches_agree():
    model = build()
    batch = images()
    patches = model.patch_features(batch, projected=False)
    pooled = model.classification_trunk(0.3).eval()(batch)
    assert torch.allclose(pooled, patches.mean(dim=1), atol=1e-6)
    assert torch.allclose(model.image_embedding(batch), pooled, atol=1e-6)
    last = model.backbone.forward_features(batch)
    assert torch.allclose(pooled, functional.adaptive_avg_pool2d(last, 1).flatten(1), atol=1e-6)


@torch.inference_mode()
def test_patches_are_in_row_major_order():
    model = build(side=64)
    dark = torch.zeros(1, 1, 64, 64)
    bright = dark.clone()
    bright[..., :16, 48:] = 1.0
    change = model.patch_features(bright, False) - model.patch_features(dark, False)
    rows, columns = model.grid
    moved = change.norm(dim=-1).reshape(rows, columns)
    place = divmod(int(moved.argmax()), columns)
    assert place[0] < rows / 2
    assert place[1] >= columns / 2


@torch.inference_mode()
def test_grey_images_are_repeated():
    size = {**SIZES["toy"], "channels": 3}
    model = build_resnet(BuildContext(size, {}, 32)).eval()
    batch = images()
    repeated = model.backbone.forward_features(batch.repeat(1, 3, 1, 1))
    assert torch.allclose(model.patch_features(batch, False), repeated.flatten(2).transpose(1, 2))


def test_a_trunk_is_a_fresh_copy_with_stochastic_depth():
    model = build()
    trunk = model.classification_trunk(0.3)
    depths = [
        block.drop_path
        for stage in (1, 2, 3, 4)
        for block in getattr(trunk.backbone, f"layer{stage}")
    ]
    assert depths[0] is None
    assert [round(item.drop_prob, 6) for item in depths[1:]] == [0.1, 0.2, 0.3]
    assert all(isinstance(item, DropPath) for item in depths[1:])
    before = {name: value.clone() for name, value in model.state_dict().items()}
    optimizer = torch.optim.SGD(trunk.parameters(), lr=0.1)
    trunk.train()(images(4)).sum().backward()
    optimizer.step()
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert not any(block.drop_path for block in model.backbone.layer4)


def test_every_parameter_of_the_trunk_gets_a_gradient():
    trunk = build().classification_trunk(0.0).train()
    for parameter in trunk.parameters():
        if parameter.ndim == 1:
            # The last norm of a block starts at 0 and would hold back its branch.
            torch.nn.init.constant_(parameter, 0.5)
    (trunk(images(6)) ** 2).sum().backward()
    silent = [name for name, item in trunk.named_parameters() if not item.grad.abs().sum() > 0]
    assert not silent


def test_what_it_cannot_do_is_said():
    model = build()
    with pytest.raises(NotApplicable):
        model.text_embedding(["edema"])
    with pytest.raises(NotApplicable):
        model.pretraining_loss(PretrainBatch(images()), torch.Generator())
    assert model.patch_weights() is None
    assert model.progress_arrays() == {}
    assert "zero_shot" not in BASELINE.capabilities
    assert BASELINE.no_capability_reason


def test_stored_weights_are_loaded_again(tmp_path):
    model = build(seed=4)
    content = {
        "format": "maco-bench",
        "model": model.state_dict(),
        "tokenizer_json": None,
        "options": {},
        "size": dict(SIZES["toy"]),
        "image_size": 32,
    }
    torch.save(content, tmp_path / "weights.pt")
    with torch.inference_mode():
        expected = model.patch_features(images(), False)
        loaded = load_trained("random_init_resnet50", tmp_path / "weights.pt").eval()
        assert torch.equal(loaded.patch_features(images(), False), expected)
