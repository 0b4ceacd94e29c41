"""Trunks that give maps: taps, windows, positions, stages; against the encoders and naive loops."""

import pytest
import torch
from timm.layers import DropPath

from baselines.encoders.dense_vit import DenseViT, block_of
from baselines.encoders.masked_vit import MaskedAutoencoder
from baselines.encoders.resnet import DenseResNet, build_resnet
from baselines.encoders.sizes import RESNET_IMAGE as SIZES
from benchmark.interfaces import BuildContext

SIZE = {
    "patch": 8,
    "channels": 1,
    "width": 16,
    "depth": 4,
    "heads": 2,
    "decoder_width": 8,
    "decoder_depth": 0,
    "decoder_heads": 2,
}


@pytest.fixture(scope="module", params=["patches", "convolution"])
def encoder(request):
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(3)
        model = MaskedAutoencoder({**SIZE, "stem": request.param}, 32)
        model.initialise()
        # Norms and biases that do something.
        for parameter in model.parameters():
            parameter.data += 0.02 * torch.randn(parameter.shape)
    return model.eval()


def images(count=2, height=32, width=32):
    generator = torch.Generator().manual_seed(5)
    return torch.randn(count, 1, height, width, generator=generator)


def as_map(tokens, rows, columns):
    """(B, N, D) without CLS to (B, D, rows, columns), cell by cell."""
    batch, _, width = tokens.shape
    found = torch.zeros(batch, width, rows, columns)
    for row in range(rows):
        for column in range(columns):
            found[:, :, row, column] = tokens[:, row * columns + column]
    return found


@pytest.mark.parametrize(
    ("twelfths", "depth", "block"),
    [(4, 12, 4), (12, 12, 12), (4, 2, 1), (6, 2, 1), (8, 2, 2), (12, 2, 2), (1, 24, 2), (3, 4, 1)],
)
def test_blocks_are_counted_in_twelfths(twelfths, depth, block):
    assert block_of(twelfths, depth) == block


@torch.inference_mode()
def test_the_last_tap_is_the_encoder_before_its_norm(encoder):
    batch = images()
    trunk = DenseViT(encoder, (3, 6, 9, 12)).eval()
    maps = trunk(batch)
    tokens = encoder.encode(encoder.embedded_patches(batch))
    normalised = encoder.norm(maps[-1].flatten(2).transpose(1, 2))
    torch.testing.assert_close(normalised, tokens[:, 1:], rtol=0, atol=1e-5)


@torch.inference_mode()
def test_every_tap_is_what_its_block_gives(encoder):
    batch = images()
    seen = []
    hooks = [
        block.register_forward_hook(lambda *call: seen.append(call[2])) for block in encoder.blocks
    ]
    encoder.encode(encoder.embedded_patches(batch))
    for hook in hooks:
        hook.remove()
    maps = DenseViT(encoder, (12, 3, 9)).eval()(batch)
    for found, block in zip(maps, (4, 1, 3), strict=True):
        torch.testing.assert_close(found, as_map(seen[block - 1][:, 1:], 4, 4), rtol=0, atol=1e-6)


@torch.inference_mode()
def test_two_taps_on_one_block_give_the_same_map_twice(encoder):
    trunk = DenseViT(encoder, (1, 2, 8, 12)).eval()
    maps = trunk(images())
    assert len(maps) == len(trunk.channels) == len(trunk.strides) == 4
    assert torch.equal(maps[0], maps[1])
    assert trunk.channels == (16,) * 4 and trunk.strides == (8,) * 4


@torch.inference_mode()
@pytest.mark.parametrize("shape", [(64, 64), (48, 48), (40, 72)])
def test_other_sizes_and_shapes_interpolate_the_positions(encoder, shape):
    before = {key: value.clone() for key, value in encoder.state_dict().items()}
    trunk = DenseViT(encoder, (6, 12)).eval()
    maps = trunk(images(1, *shape))
    assert all(item.shape == (1, 16, shape[0] // 8, shape[1] // 8) for item in maps)
    tokens = encoder.encode(encoder.embedded_patches(images(1, *shape)))
    normalised = encoder.norm(maps[-1].flatten(2).transpose(1, 2))
    torch.testing.assert_close(normalised, tokens[:, 1:], rtol=0, atol=1e-5)
    assert all(torch.equal(before[key], value) for key, value in encoder.state_dict().items())


@torch.inference_mode()
def windowed_by_loops(encoder, batch, window, global_blocks):
    """One window after the other, without CLS; cells outside the grid are zero after the norm."""
    rows, columns = batch.shape[-2] // 8, batch.shape[-1] // 8
    field = as_map(encoder.embedded_patches(batch), rows, columns)
    for number, block in enumerate(encoder.blocks, start=1):
        if number in global_blocks:
            field = as_map(block(field.flatten(2).transpose(1, 2)), rows, columns)
            continue
        normalised = block.norm1(field.movedim(1, -1)).movedim(-1, 1)
        found = torch.zeros_like(field)
        for top in range(0, rows, window):
            for left in range(0, columns, window):
                cells = torch.zeros(len(batch), field.shape[1], window, window)
                part = normalised[:, :, top : top + window, left : left + window]
                height, width = part.shape[-2:]
                cells[:, :, :height, :width] = part
                tokens = block.attn(cells.flatten(2).transpose(1, 2))
                part = as_map(tokens, window, window)[:, :, :height, :width]
                found[:, :, top : top + window, left : left + window] = part
        found = (field + found).movedim(1, -1)
        found = (found + block.mlp(block.norm2(found))).movedim(-1, 1)
        field = found
    return field


@torch.inference_mode()
@pytest.mark.parametrize("shape", [(64, 64), (40, 56)], ids=["whole windows", "cut windows"])
@pytest.mark.parametrize("global_blocks", [(), (2,), (1, 4)])
def test_windows_equal_a_loop_over_them(encoder, shape, global_blocks):
    batch = images(2, *shape)
    twelfths = tuple(block * 3 for block in global_blocks)
    trunk = DenseViT(encoder, (12,), window=4, global_blocks=twelfths).eval()
    expected = windowed_by_loops(encoder, batch, 4, global_blocks)
    torch.testing.assert_close(trunk(batch)[0], expected, rtol=0, atol=1e-5)


@torch.inference_mode()
def test_a_window_keeps_far_patches_apart(encoder):
    batch = images(1, 64, 64)
    changed = batch.clone()
    changed[..., 56:, 56:] += 3
    local = DenseViT(encoder, (12,), window=4).eval()
    wide = DenseViT(encoder, (12,), window=4, global_blocks=(12,)).eval()
    # A convolutional stem looks beyond its patch, but not as far as the other corner.
    first = [trunk(batch)[0][..., 0, 0] for trunk in (local, wide)]
    second = [trunk(changed)[0][..., 0, 0] for trunk in (local, wide)]
    torch.testing.assert_close(first[0], second[0], rtol=0, atol=1e-5)
    assert (first[1] - second[1]).abs().max() > 1e-4


def test_layers_run_from_the_embeddings_to_the_last_block(encoder):
    trunk = DenseViT(encoder, (12,), drop_path=0.3)
    layers = {name: trunk.layer_of(name) for name, _ in trunk.named_parameters()}
    assert layers["cls_token"] == 0
    assert {layer for name, layer in layers.items() if name.startswith("patch_embed")} == {0}
    assert {layers[name] for name in layers if name.startswith("blocks.2.")} == {3}
    assert max(layers.values()) == trunk.layers - 1 == 4
    rates = [block.drop_path1.drop_prob for block in trunk.blocks[1:]]
    assert rates == pytest.approx([0.1, 0.2, 0.3])
    assert not isinstance(trunk.blocks[0].drop_path1, DropPath)


def test_training_a_trunk_leaves_the_encoder_as_it_is(encoder):
    before = {key: value.clone() for key, value in encoder.state_dict().items()}
    trunk = DenseViT(encoder, (4, 12)).train()
    optimizer = torch.optim.SGD(trunk.parameters(), lr=0.1)
    sum(item.square().sum() for item in trunk(images())).backward()
    optimizer.step()
    assert all(torch.equal(before[key], value) for key, value in encoder.state_dict().items())
    assert all(parameter.grad is None for parameter in encoder.parameters())


def resnet(size="toy"):
    return build_resnet(BuildContext(SIZES[size], {}, 32, seed=1)).eval()


@torch.inference_mode()
@pytest.mark.parametrize(("size", "side"), [("toy", 32), ("demo", 64)])
def test_a_resnet_gives_its_four_stages(size, side):
    model = resnet(size)
    batch = images(2, side, side)
    trunk = model.dense_trunk((4, 6, 8, 12)).eval()
    assert isinstance(trunk, DenseResNet)
    maps = trunk(batch)
    hidden = model.backbone.maxpool(
        model.backbone.act1(model.backbone.bn1(model.backbone.conv1(batch)))
    )
    for stage, found in zip(range(1, 5), maps, strict=True):
        hidden = getattr(model.backbone, f"layer{stage}")(hidden)
        torch.testing.assert_close(found, hidden, rtol=0, atol=1e-6)
        assert found.shape[1] == trunk.channels[stage - 1]
        assert side / found.shape[-1] == trunk.strides[stage - 1]


def test_the_paper_resnet_has_the_strides_of_a_pyramid():
    with torch.device("meta"):
        trunk = resnet("paper").dense_trunk(())
    assert trunk.channels == (256, 512, 1024, 2048)
    assert trunk.strides == (4, 8, 16, 32)
    layers = {name: trunk.layer_of(name) for name, _ in trunk.named_parameters()}
    assert layers["backbone.conv1.weight"] == layers["backbone.bn1.weight"] == 0
    assert {layers[name] for name in layers if name.startswith("backbone.layer3")} == {3}
    assert max(layers.values()) == trunk.layers - 1


def test_a_resnet_trunk_is_a_copy():
    model = resnet()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    trunk = model.dense_trunk((), drop_path=0.2).train()
    sum(item.square().sum() for item in trunk(images())).backward()
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
