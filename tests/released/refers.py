"""REFERS' image tower at a small size, as it was pre-trained and with a classifier."""

from __future__ import annotations

import torch

from tests.released.fixture import ReleasedFixture, drawn
from tests.released.maco import half, linear, norm

WIDTH, DEPTH, PATCH, PLACES = 128, 3, 8, 16
EMBEDDINGS, LAYER = "transformer.embeddings.", "transformer.encoder.layer."
NAMES = {
    "attention_norm": "norm1",
    "ffn_norm": "norm2",
    "ffn.fc1": "mlp.fc1",
    "ffn.fc2": "mlp.fc2",
    "attn.out": "attn.proj",
}


def shapes(labels=0):
    found = {
        f"{EMBEDDINGS}cls_token": (1, 1, WIDTH),
        f"{EMBEDDINGS}position_embeddings": (1, PLACES + 1, WIDTH),
        f"{EMBEDDINGS}patch_embeddings.weight": (WIDTH, 3, PATCH, PATCH),
        f"{EMBEDDINGS}patch_embeddings.bias": (WIDTH,),
        **norm("transformer.encoder.encoder_norm", WIDTH),
    }
    for index in range(DEPTH):
        layer = f"{LAYER}{index}."
        found |= norm(f"{layer}attention_norm", WIDTH) | norm(f"{layer}ffn_norm", WIDTH)
        found |= linear(f"{layer}ffn.fc1", 4 * WIDTH, WIDTH)
        found |= linear(f"{layer}ffn.fc2", WIDTH, 4 * WIDTH)
        for part in ("query", "key", "value", "out"):
            found |= linear(f"{layer}attn.{part}", WIDTH, WIDTH)
    return found | (linear("head", labels, WIDTH) if labels else {})


def state(seed):
    return drawn(shapes(), seed)


def tuned(seed):
    return half(drawn(shapes(labels=14), seed))


def lands(tensors):
    found = {
        "cls_token": tensors[f"{EMBEDDINGS}cls_token"],
        "pos_embed": tensors[f"{EMBEDDINGS}position_embeddings"],
    }
    for kind in ("weight", "bias"):
        found[f"patch_embed.proj.{kind}"] = tensors[f"{EMBEDDINGS}patch_embeddings.{kind}"]
        found[f"norm.{kind}"] = tensors[f"transformer.encoder.encoder_norm.{kind}"]
        for index in range(DEPTH):
            layer, ours = f"{LAYER}{index}.", f"blocks.{index}."
            for theirs, name in NAMES.items():
                found[f"{ours}{name}.{kind}"] = tensors[f"{layer}{theirs}.{kind}"]
            three = [tensors[f"{layer}attn.{part}.{kind}"] for part in ("query", "key", "value")]
            found[f"{ours}attn.qkv.{kind}"] = torch.cat(three)
    return found


def wrap(tensors):
    return {
        "model": {f"module.{name}": value for name, value in tensors.items()},
        "optimizer": {"state": {}, "param_groups": []},
        "epoch": 30,
    }


FIXTURES = (
    ReleasedFixture("refers", "REFERS", state, dict, lands, name="REFERS.pth"),
    ReleasedFixture(
        "refers", "REFERS", tuned, wrap, lands, name="caption_100_bestauc_checkpoint.bin"
    ),
)
