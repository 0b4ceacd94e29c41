"""The masked autoencoder against values computed with the official MAE code."""

import json
import re

import numpy as np
import pytest
import torch

from baselines.encoders.image_text import MaskedImageTextModel
from baselines.encoders.settings import image_options
from baselines.objectives.reconstruction import patchify
from tests.golden.files import golden_files
from tests.golden.values import close, golden_weight

SIZE = {
    "patch": 16,
    "channels": 3,
    "width": 48,
    "depth": 2,
    "heads": 4,
    "decoder_width": 32,
    "decoder_depth": 1,
    "decoder_heads": 4,
}


def model_of(**changes):
    options = image_options(high_resolution=False, positions="mae", mask_ratio=0.75, **changes)
    return MaskedImageTextModel(SIZE, options, 96).eval()


@pytest.fixture(scope="module", params=golden_files("mae_tiny_seed*.npz"))
def tiny(request):
    seed = int(re.search(r"_seed(\d+)$", request.param.stem).group(1))
    golden = dict(np.load(request.param))
    keys = json.loads(str(golden["keys"]))
    model = model_of()
    state = model.state_dict()
    assert set(state) == set(keys)
    for key in set(keys) - {"pos_embed", "decoder_pos_embed"}:
        state[key].copy_(torch.from_numpy(golden_weight(seed, key, keys[key])))
    generator = np.random.default_rng(seed)
    fine = 0.3 * generator.standard_normal((3, 3, 96, 96))
    coarse = np.kron(generator.standard_normal((3, 3, 3, 3)), np.ones((32, 32)))
    images = torch.from_numpy((fine + 2 * coarse).astype("float32"))
    noise = torch.from_numpy(generator.random((3, 36)).astype("float32"))
    close(noise, golden["noise"], 0)
    return model, golden, images, noise


@torch.no_grad()
def test_encoder(tiny):
    model, golden, images, noise = tiny
    close(model.pos_embed, golden["pos_embed"], 1e-6)
    close(model.decoder_pos_embed, golden["decoder_pos_embed"], 1e-6)
    close(model.patch_features(images, projected=False), golden["patch_features"])
    close(model.encode(model.embedded_patches(images))[:, 0], golden["cls_feature"])
    latent, mask, restore = model.encode_masked(images, noise, 0.75)
    close(latent, golden["latent"])
    close(mask, golden["mask"], 0)
    close(model.decode(latent, restore)[:, :6, :64], golden["prediction_slice"])
    target = patchify(images, 16)[:, :6, : golden["target_slice"].shape[2]]
    close(target, golden["target_slice"], 0)


@torch.no_grad()
def test_losses(tiny):
    model, golden, images, noise = tiny
    close(model.losses(images, (), noise)["total"], golden["loss"])
    standard = model_of(norm_pix_loss=True)
    standard.load_state_dict(model.state_dict())
    close(standard.losses(images, (), noise)["total"], golden["loss_norm_pix"])
    tokens, mask, restore = model.encode_masked(images, noise, 0.5)
    close(mask, golden["mask_half"], 0)
    close(model.reconstruction_loss(images, tokens, mask, restore), golden["loss_mask_half"])
