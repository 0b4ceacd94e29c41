"""Image encoders of timm with weights from a file, against timm itself."""

from __future__ import annotations

import os

import pytest
import safetensors.torch
import timm
import torch
from timm.data import resolve_model_data_config

from baselines.outside import find, timm_names
from baselines.outside.representation import strides_of
from benchmark.errors import BadDataError, MissingDataError, UntrustedFileError, UsageError
from benchmark.interfaces import BuildContext

VIT, CONVNEXT, EFFICIENTNET = "test_vit", "test_convnext", "test_efficientnet"
NAMES = (VIT, CONVNEXT, EFFICIENTNET)
ANY = BuildContext(size={}, options={}, image_size=0)


@pytest.fixture(autouse=True)
def nothing_remembered():
    find.cache_clear()


def model_of(name, seed=0, **more):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = timm.create_model(name, **more)
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(std=0.1)
                module.running_var.uniform_(0.5, 2)
    return model.eval()


def write(folder, name, seed=0, change=lambda state: state):
    path = folder / f"{name}-{seed}.pth"
    torch.save(change(model_of(name, seed).state_dict()), path)
    return path


def built(name, path):
    return find(f"timm:{name}@{path}").build(ANY)


def grey(side, count=2):
    return torch.rand(count, 1, side, side, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize("name", NAMES)
@torch.no_grad()
def test_pooled_features_are_timms(name, tmp_path):
    ours, theirs = built(name, write(tmp_path, name)), model_of(name)
    config = resolve_model_data_config(theirs)
    side = config["input_size"][1]
    images = grey(ours.image_size)
    begin = (ours.image_size - side) // 2
    cut = images[..., begin : begin + side, begin : begin + side].expand(-1, 3, -1, -1)
    mean, std = (torch.tensor(config[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    theirs.reset_classifier(0)
    wanted = theirs((cut - mean) / std)
    assert torch.allclose(ours.pooled_features(images), wanted, atol=1e-5)
    trunk = ours.classification_trunk(0.0).eval()
    assert torch.allclose(trunk(images), wanted, atol=1e-5)
    assert ours.feature_dim == wanted.shape[1]
    assert {n.partition(".")[0] for n in ours.loaded_from["unused"]} <= {"head", "classifier"}
    assert ours.loaded_from["preprocessing"]["image_size"] == side


def prefixed(prefix):
    return lambda state: {"state_dict": {f"{prefix}{key}": value for key, value in state.items()}}


@pytest.mark.parametrize("prefix", ["", "model.", "backbone.", "encoder.", "visual.trunk."])
@torch.no_grad()
def test_usual_prefixes_are_taken_off(prefix, tmp_path):
    plain = built(VIT, write(tmp_path, VIT))
    (tmp_path / "other").mkdir()
    path = write(tmp_path / "other", VIT, change=prefixed(prefix))
    found = built(VIT, path)
    images = grey(plain.image_size)
    assert torch.equal(found.pooled_features(images), plain.pooled_features(images))
    assert found.loaded_from["prefix"] == prefix


@torch.no_grad()
def test_safetensors_and_files_without_classifier_are_read(tmp_path):
    plain = built(VIT, write(tmp_path, VIT))
    path = tmp_path / "vit.safetensors"
    state = model_of(VIT).state_dict()
    safetensors.torch.save_file({k: v for k, v in state.items() if "head" not in k}, path)
    found = built(VIT, path)
    images = grey(plain.image_size)
    assert torch.equal(found.pooled_features(images), plain.pooled_features(images))
    assert found.loaded_from["unused"] == []


@pytest.mark.parametrize("name", NAMES)
@torch.no_grad()
def test_patches_are_the_last_map_in_rows(name, tmp_path):
    ours, theirs = built(name, write(tmp_path, name)), model_of(name)
    images = grey(ours.image_size)
    wanted = theirs.forward_features(ours.prepare.uncut(images))
    found = ours.patch_features(images, projected=False)
    if name == VIT:
        wanted = wanted[:, theirs.num_prefix_tokens :]
    else:
        wanted = wanted.flatten(2).transpose(1, 2)
    assert found.shape[1] == ours.grid[0] * ours.grid[1]
    if name != EFFICIENTNET:  # Its last stage comes before the convolution of its head.
        assert torch.allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize("name", [CONVNEXT, EFFICIENTNET])
@torch.no_grad()
def test_pyramids_give_their_last_four_stages(name, tmp_path):
    trunk = built(name, write(tmp_path, name)).dense_trunk((3, 5, 7, 11)).eval()
    info = model_of(name).feature_info[-4:]
    assert trunk.strides == tuple(stage["reduction"] for stage in info)
    assert trunk.channels == tuple(stage["num_chs"] for stage in info)
    for side in (128, 160):
        maps = trunk(grey(side, 1))
        sides = [side // stride for stride in trunk.strides]
        assert [tuple(one.shape[-2:]) for one in maps] == [(s, s) for s in sides]


@torch.no_grad()
def test_a_plain_transformer_is_tapped_after_blocks(tmp_path):
    ours, theirs = built(VIT, write(tmp_path, VIT)), model_of(VIT)
    depth = len(theirs.blocks)
    trunk = ours.dense_trunk((3, 5, 7, 11)).eval()
    patch = theirs.patch_embed.patch_size[0]
    assert trunk.strides == (patch,) * 4
    images = grey(ours.prepare.preprocessing.image_size, 1)
    last = theirs.forward_intermediates(
        ours.prepare.normalised(images), indices=[depth - 1], norm=False, intermediates_only=True
    )[0]
    assert torch.allclose(trunk(images)[3], last, atol=1e-5)
    assert trunk(grey(patch * 6, 1))[0].shape[-2:] == (6, 6)


@pytest.mark.parametrize("name", NAMES)
def test_layers_go_from_the_stem_to_the_end(name, tmp_path):
    trunk = built(name, write(tmp_path, name)).dense_trunk((3, 5, 7, 11))
    layers = {key: trunk.layer_of(key) for key, _ in trunk.named_parameters()}
    stem = [v for k, v in layers.items() if "patch_embed" in k or "conv_stem" in k or ".stem." in k]
    assert set(stem) == {0}
    assert set(layers.values()) <= set(range(trunk.layers))
    if name == VIT:
        blocks = [v for k, v in layers.items() if ".blocks." in k]
        assert blocks == sorted(blocks)
        assert len(set(blocks)) == len(model_of(VIT).blocks)


def test_strides_of_sides_that_are_no_multiple():
    assert strides_of(300, [75, 38, 19, 10]) == (4, 8, 16, 32)
    assert strides_of(56, [4, 4, 4, 4]) == (14, 14, 14, 14)


def test_a_name_tells_what_is_wrong_with_it(tmp_path):
    with pytest.raises(UsageError, match="names no file of weights"):
        find("timm:resnet50")
    with pytest.raises(MissingDataError) as caught:
        find(f"timm:resnet50@{tmp_path / 'none.pth'}")
    assert str(tmp_path) in str(caught.value)
    with pytest.raises(UsageError, match="Did you mean `test_vit`"):
        built("test_vitt", write(tmp_path, VIT))


def test_a_wrong_file_is_refused_in_one_line(tmp_path):
    path = write(tmp_path, CONVNEXT)
    with pytest.raises(BadDataError) as caught:
        built(VIT, path)
    assert "does not fit timm's `test_vit`" in str(caught.value)
    assert "\n" not in str(caught.value)
    path.write_bytes(path.read_bytes()[:5000])
    find.cache_clear()
    with pytest.raises(BadDataError, match="cut short"):
        built(CONVNEXT, path)


class Dangerous:
    def __reduce__(self):
        return os.mkdir, ("should-not-exist",)


def test_a_file_that_would_run_code_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path, VIT, change=lambda state: {"state_dict": state, "more": Dangerous()})
    with pytest.raises(UntrustedFileError):
        built(VIT, path)
    assert not (tmp_path / "should-not-exist").exists()


def test_the_checksum_is_of_weights_and_name(tmp_path):
    first, second = write(tmp_path, VIT, 0), write(tmp_path, VIT, 1)
    sums = {find(f"timm:{name}@{path}").checksum() for name in NAMES for path in (first, second)}
    assert len(sums) == 6


def test_what_it_can_and_cannot_do(tmp_path):
    path = write(tmp_path, VIT)
    spec = find(f"timm:{VIT}@{path}").BASELINE
    assert spec.capabilities == ("image_features", "fine_tune")
    assert "no text tower" in spec.no_capability_reason
    assert spec.outside and not spec.needs_weights
    with pytest.raises(UsageError, match="names its own weights"):
        find(f"timm:{VIT}@{path}").load(path)


def test_the_names_that_are_read_without_torch_are_timms():
    assert timm_names.model_names() == set(timm.list_models())


@pytest.mark.parametrize(
    ("name", "said"),
    [("nosuch", "The nearest of"), ("resnet5", "`resnet50`"), ("test_vitt.a1", "`test_vit`")],
)
def test_a_misspelt_model_is_refused_when_it_is_looked_at(name, said, tmp_path):
    path = tmp_path / "w.pth"
    path.touch()
    with pytest.raises(UsageError) as caught:
        find(f"timm:{name}@{path}")
    assert said in str(caught.value)
    assert len(str(caught.value)) < 300


def test_without_timm_the_name_is_not_judged(tmp_path, monkeypatch):
    monkeypatch.setattr(timm_names, "model_names", frozenset)
    (tmp_path / "w.pth").touch()
    assert find(f"timm:nosuch@{tmp_path / 'w.pth'}").BASELINE.outside
