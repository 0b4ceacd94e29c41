"""Both towers of open_clip with weights from a file, against open_clip itself."""

from __future__ import annotations

import json

import open_clip
import pytest
import torch

from baselines.outside import find, open_clip_models
from benchmark.errors import BadDataError, MissingDataError, UsageError
from benchmark.interfaces import BuildContext

ANY = BuildContext(size={}, options={}, image_size=0)
TEXT = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}
SMALL = {
    "Small-ViT": {
        "embed_dim": 24,
        "vision_cfg": {
            "image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 8,
        },
        "text_cfg": TEXT,
    },
    "Small-RN": {
        "embed_dim": 24,
        "vision_cfg": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "patch_size": None},
        "text_cfg": TEXT,
    },
}  # fmt: skip
TEXTS = ("pleural effusion", "There is no pneumothorax; the heart is of normal size.")


@pytest.fixture(autouse=True)
def small_architectures(tmp_path, monkeypatch):
    """Architectures that are quick to build, described where open_clip's own are."""
    find.cache_clear()
    folder = tmp_path / "architectures"
    folder.mkdir()
    for name, config in SMALL.items():
        (folder / f"{name}.json").write_text(json.dumps(config), encoding="utf-8")
    open_clip.add_model_config(folder)
    real = open_clip_models._architecture
    monkeypatch.setattr(
        open_clip_models, "_architecture", lambda name: SMALL.get(name) or real(name)
    )


def model_of(name, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return open_clip.create_model(name, pretrained=None, load_weights=False).eval()


def write(folder, name, seed=0, **more):
    path = folder / f"{name}-{seed}.pt"
    torch.save({**model_of(name, seed).state_dict(), **more}, path)
    return path


def built(name, path):
    return find(f"open_clip:{name}@{path}").build(ANY)


def grey(side, count=2):
    return torch.rand(count, 1, side, side, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize("name", SMALL)
@torch.no_grad()
def test_vectors_are_open_clips(name, tmp_path):
    ours, theirs = built(name, write(tmp_path, name)), model_of(name)
    config = open_clip.get_model_preprocess_cfg(theirs)
    mean, std = (torch.tensor(config[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    images = grey(SMALL[name]["vision_cfg"]["image_size"])
    assert ours.image_size == images.shape[-1]
    wanted = theirs.encode_image((images.expand(-1, 3, -1, -1) - mean) / std)
    assert torch.allclose(ours.image_embedding(images), wanted, atol=1e-5)
    assert torch.allclose(ours.pooled_features(images), wanted, atol=1e-5)
    tokens = open_clip.get_tokenizer("ViT-B-32")(list(TEXTS))
    assert torch.allclose(ours.text_embedding(TEXTS), theirs.encode_text(tokens), atol=1e-5)
    assert ours.temperature() == pytest.approx(float(theirs.logit_scale.exp()))


@torch.no_grad()
def test_patches_go_the_way_of_the_class_token(tmp_path):
    ours, theirs = built("Small-ViT", write(tmp_path, "Small-ViT")), model_of("Small-ViT")
    images = grey(32)
    found = ours.patch_features(images, projected=True)
    assert ours.grid == (4, 4)
    assert found.shape == (2, 16, 24)
    seen = []
    hook = theirs.visual.ln_post.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    pooled = theirs.visual(ours.prepare(images))
    hook.remove()
    tokens = seen[0]
    if tokens.ndim == 2:  # Pooled before its norm: take all tokens in front of it.
        hook = theirs.visual.transformer.register_forward_hook(
            lambda _, given, made: seen.append(made)
        )
        theirs.visual(ours.prepare(images))
        hook.remove()
        tokens = seen[1]
    projected = theirs.visual.ln_post(tokens) @ theirs.visual.proj
    assert torch.allclose(projected[:, 0], pooled, atol=1e-5)
    assert torch.allclose(found, projected[:, 1:], atol=1e-5)


def test_grounding_is_offered_where_patches_have_a_way(tmp_path):
    vit = find(f"open_clip:Small-ViT@{write(tmp_path, 'Small-ViT')}").BASELINE
    resnet = find(f"open_clip:Small-RN@{write(tmp_path, 'Small-RN')}").BASELINE
    assert set(vit.capabilities) - set(resnet.capabilities) == {"grounding"}
    assert "does not place patches" in resnet.no_capability_reason


@torch.no_grad()
def test_the_trunk_is_the_image_tower_alone(tmp_path):
    ours = built("Small-ViT", write(tmp_path, "Small-ViT"))
    trunk = ours.classification_trunk(0.0).eval()
    names = [name for name, _ in trunk.named_parameters()]
    assert names
    assert all(".visual." in name for name in names)
    images = grey(32)
    assert torch.equal(trunk(images), ours.pooled_features(images))
    assert ours.text_embedding(TEXTS).shape == (2, 24), "the copy alone has lost its texts"


def test_entries_of_openais_files_that_are_no_weights_are_left_aside(tmp_path):
    more = {
        key: torch.tensor(value)
        for key, value in (("input_resolution", 32), ("context_length", 77), ("vocab_size", 49408))
    }
    found = built("Small-ViT", write(tmp_path, "Small-ViT", **more))
    assert found.loaded_from["unused"] == []


def test_a_description_beside_the_file_has_the_word_on_pixels(tmp_path):
    path = write(tmp_path, "Small-ViT")
    plain = built("Small-ViT", path).loaded_from["preprocessing"]
    assert plain["interpolation"] == "bicubic"
    before = find(f"open_clip:Small-ViT@{path}").checksum()
    told = {"mean": [0.5] * 3, "std": [0.25] * 3, "interpolation": "bilinear"}
    beside = tmp_path / "open_clip_config.json"
    beside.write_text(json.dumps({"preprocess_cfg": told}), encoding="utf-8")
    find.cache_clear()
    found = built("Small-ViT", path).loaded_from["preprocessing"]
    assert found["mean"] == (0.5,) * 3
    assert found["interpolation"] == "bilinear"
    assert find(f"open_clip:Small-ViT@{path}").checksum() != before


def test_what_cannot_be_used_says_why(tmp_path):
    path = write(tmp_path, "Small-ViT")
    with pytest.raises(UsageError, match="from a hub"):
        find(f"open_clip:xlm-roberta-base-ViT-B-32@{path}")
    with pytest.raises(UsageError, match="Did you mean `ViT-B-32"):
        find(f"open_clip:ViT-B-322@{path}")
    with pytest.raises(UsageError, match="names no file"):
        find("open_clip:ViT-B-32")
    with pytest.raises(MissingDataError, match="no weight file"):
        find(f"open_clip:ViT-B-32@{tmp_path / 'none.pt'}")
    with pytest.raises(BadDataError, match="-quickgelu") as caught:
        built("Small-RN", path)
    assert "does not fit open_clip's `Small-RN`" in str(caught.value)
