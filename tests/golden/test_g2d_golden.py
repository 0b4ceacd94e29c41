"""G2D's pseudo masks, dense losses and attention pooling against values of the official code."""

import hashlib
import json
import math
import re

import numpy as np
import pytest
import torch

from baselines.objectives.attention_pooling import AttentionPool
from baselines.objectives.dense_alignment import dense_loss, dice_loss, global_loss
from baselines.objectives.pseudo_mask import (
    OFFICIAL,
    MaskRule,
    bilateral_filter,
    body_masks,
    otsu_thresholds,
    pseudo_masks,
)
from tests.golden.files import golden_files
from tests.golden.values import close

NAMES = {
    "positional_embedding": "positional_embedding",
    "in_proj.weight": "mhsa.in_proj_weight",
    "in_proj.bias": "mhsa.in_proj_bias",
    "out_proj.weight": "mhsa.out_proj.weight",
    "out_proj.bias": "mhsa.out_proj.bias",
    "c_proj.weight": "c_proj.weight",
    "c_proj.bias": "c_proj.bias",
}


def golden_weight(seed, key, shape):
    digest = hashlib.sha256(f"{seed}:{key}".encode()).digest()[:4]
    generator = np.random.default_rng(int.from_bytes(digest, "little"))
    draw = generator.standard_normal(shape).astype("float32")
    if len(shape) > 1:
        return torch.from_numpy(draw / math.sqrt(math.prod(shape[1:])))
    return torch.from_numpy(1 + 0.1 * draw if key.endswith(".weight") else 0.1 * draw)


@pytest.fixture(scope="module", params=golden_files("g2d_pseudo_mask_seed*.npz"))
def golden(request):
    seed = int(re.search(r"_seed(\d+)$", request.param.stem).group(1))
    values = dict(np.load(request.param))
    generator = np.random.default_rng(seed)

    def drawn(*shape):
        return torch.from_numpy(generator.standard_normal(shape).astype("float32"))

    values["seed"] = seed
    values["logits"] = drawn(6, 1, 64, 64)
    values["vectors"] = drawn(6, 16), drawn(6, 16)
    values["map"] = drawn(6, 16, 8, 8)
    values["attention"] = torch.from_numpy(values["attention"])
    values["pixels"] = torch.from_numpy(values["image"].astype("float32") / 255)[:, None]
    return values


def masks_of(golden, **changes):
    rule = MaskRule(**{**OFFICIAL.__dict__, **changes})
    return pseudo_masks(golden["attention"], golden["pixels"], rule)


@pytest.mark.parametrize(
    ("threshold", "name"),
    [
        ("85", "mask_quantile_85"),
        ("75", "mask_quantile_75"),
        ("median", "mask_median"),
        ("mean", "mask_mean"),
    ],
)
def test_official_masks(golden, threshold, name):
    close(masks_of(golden, threshold=threshold), golden[name], 0)


def test_one_mask_a_head(golden):
    close(masks_of(golden, aggregation=False)[:2], golden["mask_per_head"], 0)


def test_body_and_masks_of_the_papers_text(golden):
    pixels = golden["pixels"]
    close(otsu_thresholds(pixels.flatten(1)), golden["paper_like_otsu"])
    close(body_masks(pixels)[:, 0], golden["paper_like_body"], 0)
    paper = MaskRule(smoothing=False)
    close(pseudo_masks(golden["attention"], pixels, paper)[:, 0], golden["paper_like_mask"], 0)
    everywhere = MaskRule(smoothing=False, quantile_over="image")
    found = pseudo_masks(golden["attention"], pixels, everywhere)[:, 0]
    close(found, golden["paper_like_mask_all_pixels"], 0)
    smoothed = pseudo_masks(golden["attention"], pixels, MaskRule())[:2, 0]
    close(smoothed, golden["paper_like_smoothed"])
    mask = torch.from_numpy(golden["paper_like_mask"][:2].astype("float32"))
    close(bilateral_filter(mask[:, None])[:, 0], golden["paper_like_smoothed"])


def test_losses(golden):
    logits, target = golden["logits"], masks_of(golden)
    close(dice_loss(logits, target), golden["loss_dice_code"])
    close(dice_loss(logits.sigmoid(), target), golden["loss_dice_probabilities"])
    close(dense_loss(logits, target, "official"), golden["loss_segmentation_code"])
    close(dense_loss(logits, target, "paper"), golden["loss_segmentation_paper"])
    found = dense_loss(logits, target, "official_probabilities")
    close(found, golden["loss_segmentation_code_on_probabilities"])
    close(global_loss(*golden["vectors"], 0.07, "both"), golden["loss_global_code"])
    printed = global_loss(*golden["vectors"], 0.07, "image_to_text")
    close(printed, golden["loss_global_paper_one_direction"])


@torch.no_grad()
def test_attention_pooling(golden):
    shapes = json.loads(str(golden["pool_keys"]))
    pool = AttentionPool(16, 4, 4, (8, 8))
    state = {
        ours: golden_weight(golden["seed"], theirs, shapes[theirs])
        for ours, theirs in NAMES.items()
    }
    assert set(NAMES.values()) == set(shapes)
    pool.load_state_dict(state, strict=True)
    pooled, attention = pool(golden["map"])
    close(pooled, golden["pool_output"])
    close(attention.flatten(2), golden["pool_attention"][:, :, 1:])
