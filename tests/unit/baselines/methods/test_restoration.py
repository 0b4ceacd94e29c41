"""Context Restoration, Models Genesis and TransVW: what they show, what they compare."""

import importlib

import pytest
import torch

from baselines.objectives.distortions import genesis
from benchmark.errors import UsageError
from benchmark.interfaces import BuildContext, PretrainBatch

NAMES = ("context_restoration", "models_genesis", "transvw")


def build(name, size="toy", side=32, **options):
    module = importlib.import_module(f"baselines.{name}")
    spec = module.BASELINE
    return module.build(BuildContext(spec.sizes[size], {**spec.options, **options}, side, seed=3))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def pictures(count=6, side=32):
    return torch.randn(count, 1, side, side, generator=generator(1))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("size", "side"), [("toy", 32), ("toy", 48), ("demo", 64)])
def test_the_decoder_gives_an_image_of_the_same_size(name, size, side):
    drawn, _ = build(name, size, side).eval().restored(pictures(2, side))
    assert drawn.shape == (2, 1, side, side)


@pytest.mark.parametrize("name", NAMES)
def test_the_paper_size_is_a_resnet50(name):
    module = importlib.import_module(f"baselines.{name}")
    spec = module.BASELINE
    with torch.device("meta"):
        model = module.build(BuildContext(spec.sizes["paper"], spec.options, 224))
    assert sum(item.numel() for item in model.backbone.parameters()) == 23_508_032


@pytest.mark.parametrize("name", ["context_restoration", "models_genesis"])
def test_the_loss_compares_with_the_image_before_its_distortion(name):
    model, images = build(name).eval(), pictures()
    # An untrained decoder draws nearly one grey value, whose error no swap of patches changes.
    model.decoder.last.weight.data.mul_(1e3)
    distorted = model.distorted(images, generator(5))
    assert not torch.equal(distorted, images)
    drawn, _ = model.restored(distorted)
    expected = (drawn - images).square().mean()
    loss = model.pretraining_loss(PretrainBatch(images), generator(5))
    assert torch.isclose(loss["total"], expected)
    assert not torch.isclose(loss["total"], (drawn - distorted).square().mean())


def test_swaps_and_patch_share_reach_the_distortion():
    images = pictures()
    moved = [
        (build("context_restoration", **options).distorted(images, generator()) != images).sum()
        for options in ({"swaps": 1}, {"swaps": 20}, {"swaps": 1, "patch_share": 0.3})
    ]
    assert moved[0] < moved[1]
    assert moved[0] < moved[2]
    # One swap of patches of 3 px moves 18 pixels of each of the 6 images.
    assert moved[0] == 6 * 2 * 9


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("context_restoration", {"swaps": 0}),
        ("context_restoration", {"patch_share": 0.8}),
        ("models_genesis", {"curve": 1.5}),
        ("transvw", {"word_rows": 1, "word_columns": 1}),
        ("transvw", {"crop_share": 1.0}),
    ],
)
def test_impossible_options_are_usage_errors(name, options):
    with pytest.raises(UsageError):
        build(name, **options)


def test_a_word_is_a_place_of_the_lattice():
    model = build("transvw", word_rows=3, word_columns=2, flip=0.0, crop_share=0.5)
    # The picture holds its own coordinates: columns below 100, rows in hundreds.
    rows, columns = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    images = (100 * rows + columns)[None, None].repeat(60, 1, 1, 1)
    crops, words = model.crops(images, generator(2))
    assert set(words.tolist()) == set(range(6))
    for crop, word in zip(crops[:, 0], words):
        row, column = divmod(int(word), 2)
        middle = crop[15:17, 15:17].mean()
        expected = 100 * (7.5 + row * 8) + (7.5 + column * 16)
        assert abs(middle - expected) < 0.2


def test_crops_are_mirrored_by_the_option_and_jitter_moves_them():
    images = pictures(40)
    plain, words = build("transvw", flip=0.0).crops(images, generator(4))
    turned, same = build("transvw", flip=1.0).crops(images, generator(4))
    assert torch.equal(words, same)
    assert torch.allclose(plain, turned.flip(3), atol=1e-5)
    moved, same = build("transvw", flip=0.0, jitter=1.0).crops(images, generator(4))
    assert torch.equal(words, same)
    assert not torch.allclose(plain, moved)


def test_transvw_restores_the_crop_and_names_its_word():
    model, images = build("transvw").eval(), pictures()
    losses = model.pretraining_loss(PretrainBatch(images), generator(6))
    source = generator(6)
    crops, words = model.crops(images, source)
    drawn, last = model.restored(genesis(crops, source, model.rates))
    assert torch.isclose(losses["restoration"], (drawn - crops).square().mean())
    scores = model.classifier(last.mean(dim=(2, 3))).log_softmax(dim=1)
    expected = -torch.stack([row[word] for row, word in zip(scores, words)]).mean()
    assert torch.isclose(losses["classification"], expected)
    total = losses["restoration"] + 0.01 * losses["classification"]
    assert torch.isclose(losses["total"], total)
    assert model.classifier.out_features == 42


def test_the_recipe_of_transvw_keeps_places_where_they_are():
    recipe = importlib.import_module("baselines.transvw").BASELINE.pretraining
    assert recipe.flip_probability == recipe.rotation_degrees == 0
    assert recipe.scale == recipe.crop_scale == (1.0, 1.0)
