"""MaCo against values computed with the official code, and the preprint's loss against its own."""

import hashlib
import json
import re

import numpy as np
import pytest
import torch

from baselines.encoders.image_text import MaskedImageTextModel
from baselines.encoders.masked_vit import random_mask
from baselines.encoders.positions import sincos_table
from baselines.encoders.wordpiece import train_wordpiece
from baselines.objectives.contrast import cosine_logits
from baselines.objectives.correlation_weighting import (
    official_loss,
    official_terms,
    v1_loss,
    v1_per_sample,
    v1_weights,
)
from baselines.objectives.reconstruction import reduced
from tests.golden.files import golden_files

UNUSED = {"logit_scale", "pos_weight_text.weight", "pos_weight_text.bias"}
UNUSED |= {"pos_cat.weight", "pos_cat.bias"}


def seed_of(path):
    return int(re.search(r"_seed(\d+)$", path.stem).group(1))


def close(ours, golden, tolerance=1e-4):
    ours = np.asarray(ours.detach() if isinstance(ours, torch.Tensor) else ours, dtype=np.float64)
    golden = np.asarray(golden, dtype=np.float64)
    assert ours.shape == golden.shape
    assert np.abs(ours - golden).max() <= tolerance * np.abs(golden).max()


def named_draw(seed, key, shape):
    digest = hashlib.sha256(f"{seed}:{key}".encode()).digest()[:4]
    return np.random.default_rng(int.from_bytes(digest, "little")).standard_normal(shape)


SIZE = {
    "patch": 16,
    "channels": 3,
    "width": 48,
    "depth": 2,
    "heads": 4,
    "decoder_width": 32,
    "decoder_depth": 1,
    "decoder_heads": 4,
    "shared_width": 768,
    "text_width": 16,
    "text_depth": 1,
    "text_heads": 2,
    "text_intermediate": 16,
    "vocabulary": 64,
    "text_length": 8,
    "text_dropout": 0.0,
}


@pytest.fixture(scope="module", params=golden_files("maco_tiny_seed*.npz"))
def tiny(request):
    seed = seed_of(request.param)
    golden = dict(np.load(request.param))
    model = MaskedImageTextModel(
        SIZE,
        {"weighting": "official", "loss_weighting": "code"},
        224,
        train_wordpiece(["no effusion"], 64),
    ).eval()
    state = model.state_dict()
    image_side = {name for name in state if not name.startswith("bert_encoder.")}
    keys = json.loads(str(golden["keys"]))
    assert image_side == set(keys) - UNUSED
    for key in image_side - {"pos_embed", "decoder_pos_embed", "Tpar"}:
        assert list(state[key].shape) == keys[key]
        value = named_draw(seed, key, keys[key]).astype("float32") * np.float32(0.05)
        state[key].copy_(torch.from_numpy(value))
    generator = np.random.default_rng(seed)
    images = torch.from_numpy(generator.standard_normal((3, 3, 448, 448)).astype("float32"))
    text = torch.from_numpy(generator.standard_normal((3, 768)).astype("float32"))
    noise = torch.from_numpy(generator.random((3, 196)).astype("float32"))
    close(text, golden["text"], 0)
    close(noise, golden["noise"], 0)
    return model, golden, images, text, noise


def test_position_tables(tiny):
    model, golden, *_ = tiny
    close(model.pos_embed, golden["pos_embed"], 1e-6)
    close(model.decoder_pos_embed, golden["decoder_pos_embed"], 1e-6)
    close(sincos_table(48, (14, 14), "odd"), golden["pos_embed"], 1e-6)


@torch.no_grad()
def test_features(tiny):
    model, golden, images, _, _ = tiny
    small = reduced(images, 224, antialias=True)
    close(model.patch_features(small, projected=False)[:, :5], golden["patch_features_slice"])
    projected = model.patch_features(small, projected=True)
    close(projected[:, :5, :16], golden["projected_slice"])
    close(model.image_embedding(small), golden["pooled"])


@torch.no_grad()
def test_losses(tiny):
    model, golden, images, text, noise = tiny
    small = reduced(images, 224, antialias=True)
    tokens, mask, restore = model.encode_masked(small, noise, 0.5)
    close(mask, golden["mask"], 0)
    close(model.reconstruction_loss(images, tokens, mask, restore), golden["loss_image"])
    scores = model.scores(mask)
    close(scores[:, None], golden["scores"])
    pooled = model.img_mlp(tokens[:, 1:]).mean(dim=1)
    logits = cosine_logits(pooled, text, model.Tpar)
    close(official_terms(logits, scores), golden["loss_terms"])
    close(official_loss(logits, scores), golden["loss_contrastive"])
    close(model.contrastive_loss(pooled, text, mask), golden["loss_contrastive"])


@torch.no_grad()
def test_total_of_the_whole_path(tiny, monkeypatch):
    model, golden, images, text, noise = tiny
    monkeypatch.setattr(model, "_embed", lambda texts: text)
    losses = model.losses(images, ["a", "b", "c"], noise)
    close(losses["total"], golden["loss_image"] + golden["loss_contrastive"])


@torch.no_grad()
def test_grounding_maps_from_features_and_weights(tiny):
    from scipy.ndimage import gaussian_filter

    model, golden, images, text, _ = tiny
    weights = torch.softmax(model.patch_weights() / 0.02, dim=0)
    features = model.patch_features(reduced(images, 224, antialias=True), projected=True)
    similarities = torch.einsum("bnd,bd->bn", features * weights[:, None], text)
    cells = similarities.reshape(3, 14, 14).numpy()
    smooth = np.stack([gaussian_filter(cell, sigma=1.5) for cell in cells])
    maps = torch.nn.functional.interpolate(torch.from_numpy(smooth)[None], 224, mode="bilinear")
    close(maps[0, :, ::8, ::8], golden["maps"])


@pytest.mark.parametrize("path", golden_files("maco_v1_loss_seed*.npz"))
def test_preprint_loss(path):
    golden = dict(np.load(path))
    generator = np.random.default_rng(seed_of(path))
    images = generator.standard_normal((32, 24)).astype("float32")
    texts = (0.3 * images + generator.standard_normal((32, 24))).astype("float32")
    weights = (0.6 * generator.standard_normal(196)).astype("float32")
    noise = torch.from_numpy(generator.random((32, 196)))
    reconstruction = abs(generator.standard_normal())
    _, _, mask = random_mask(noise, 0.5)
    close(1 - mask, golden["kept"], 0)
    scores = (1 - mask) @ torch.from_numpy(weights) + 0.1
    close(scores, golden["p"])
    logits = cosine_logits(torch.from_numpy(images), torch.from_numpy(texts), 1 / 0.03)
    close(logits.diagonal() * 0.03, golden["cosine_diagonal"])
    for suffix, group in (("", 16), ("_whole_batch", 32)):
        tempering, weighing, groups = v1_weights(scores, group, 1.0, 16.0)
        close(tempering, golden["w_t" + suffix])
        close(weighing, golden["w_l" + suffix])
        assert groups == 32 // group
        close(v1_per_sample(logits, tempering, weighing), golden["per_sample" + suffix])
        total = golden["sum_image_to_text" + suffix]
        close(v1_loss(logits, scores, group=group, reduction="sum"), total)
        close(v1_loss(logits, scores, group=group), total / groups)
        mean = v1_loss(logits, scores, group=group, reduction="mean")
        close(mean, golden["mean_image_to_text" + suffix])
        both = v1_loss(logits, scores, group=group, reduction="sum", direction="both")
        close(both, (total + golden["sum_text_to_image" + suffix]) / 2)
    combined = 0.9 * reconstruction + 0.1 * float(v1_loss(logits, scores, reduction="sum"))
    close(combined, golden["total_lambda_0_9_sum"])
