"""An official MaCo file at a small size, with the strays that real ones hold."""

from __future__ import annotations

import argparse

import torch

from baselines.encoders.wordpiece import train_wordpiece
from tests.released.fixture import ReleasedFixture, drawn

TOKENIZER = train_wordpiece(["no effusion is seen", "small nodule"], 60)
WIDTH, TEXT, SHARED, PATCHES = 128, 64, 128, 16
STRAYS = ("logit_scale", "pos_weight_text.", "pos_cat.", "WCE.", ".position_ids", ".cls.")


def linear(name, rows, columns):
    return {f"{name}.weight": (rows, columns), f"{name}.bias": (rows,)}


def norm(name, width):
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def vit_block(prefix, width):
    return {
        **norm(f"{prefix}.norm1", width),
        **linear(f"{prefix}.attn.qkv", 3 * width, width),
        **linear(f"{prefix}.attn.proj", width, width),
        **norm(f"{prefix}.norm2", width),
        **linear(f"{prefix}.mlp.fc1", 4 * width, width),
        **linear(f"{prefix}.mlp.fc2", width, 4 * width),
    }


def mae_shapes(values=4 * 3 * 64, width=WIDTH, decoder=True):
    """ViT with patches of 8 pixels on 32, and MAE's decoder, in the official names."""
    shapes = {
        "cls_token": (1, 1, width),
        "pos_embed": (1, PATCHES + 1, width),
        "patch_embed.proj.weight": (width, 3, 8, 8),
        "patch_embed.proj.bias": (width,),
        **norm("norm", width),
    }
    for index in range(3):
        shapes |= vit_block(f"blocks.{index}", width)
    if not decoder:
        return shapes
    shapes |= {
        "mask_token": (1, 1, width),
        "decoder_pos_embed": (1, PATCHES + 1, width),
        **linear("decoder_embed", width, width),
        **norm("decoder_norm", width),
        **linear("decoder_pred", values, width),
    }
    for index in range(2):
        shapes |= vit_block(f"decoder_blocks.{index}", width)
    return shapes


def bert_shapes(
    prefix, width=TEXT, middle=96, words=80, length=20, depth=2, pooler=None, positions=True
):
    """A BERT by transformers' names."""
    shapes = {
        f"{prefix}embeddings.word_embeddings.weight": (words, width),
        f"{prefix}embeddings.position_embeddings.weight": (length, width),
        f"{prefix}embeddings.token_type_embeddings.weight": (2, width),
        **norm(f"{prefix}embeddings.LayerNorm", width),
    }
    if positions:
        shapes[f"{prefix}embeddings.position_ids"] = (1, length)
    if pooler:
        shapes |= linear(f"{prefix}pooler.dense", pooler, width)
    for index in range(depth):
        layer = f"{prefix}encoder.layer.{index}."
        for name in ("query", "key", "value"):
            shapes |= linear(f"{layer}attention.self.{name}", width, width)
        shapes |= linear(f"{layer}attention.output.dense", width, width)
        shapes |= norm(f"{layer}attention.output.LayerNorm", width)
        shapes |= linear(f"{layer}intermediate.dense", middle, width)
        shapes |= linear(f"{layer}output.dense", width, middle)
        shapes |= norm(f"{layer}output.LayerNorm", width)
    return shapes


def language_head(prefix, width=TEXT, words=80):
    return {
        f"{prefix}bias": (words,),
        **linear(f"{prefix}decoder", words, width),
        **linear(f"{prefix}transform.dense", width, width),
        **norm(f"{prefix}transform.LayerNorm", width),
    }


def state(seed):
    return drawn(
        {
            **mae_shapes(),
            "logit_scale": (),
            "Tpar": (),
            "WCE.weight": (512,),
            **linear("img_mlp", SHARED, WIDTH),
            **linear("pos_weight_img", 1, PATCHES),
            **linear("pos_weight_text", 1, WIDTH),
            **linear("pos_cat", 1, 2),
            **bert_shapes("bert_encoder.model.bert.", pooler=SHARED),
            **language_head("bert_encoder.model.cls.predictions."),
        },
        seed,
    )


def wrap(tensors):
    arguments = argparse.Namespace(model="maco", SR=1.0, mask_ratio=0.5)
    scaler = {"scale": 65536.0, "growth_tracker": 0}
    return {"model": tensors, "optimizer": {}, "epoch": 50, "scaler": scaler, "args": arguments}


def lands(tensors):
    return {n: t for n, t in tensors.items() if not any(part in n for part in STRAYS)}


def beside(folder):
    (folder / "mimic_wordpiece.json").write_text(TOKENIZER, encoding="utf-8")


FIXTURES = (ReleasedFixture("maco", "MaCo", state, wrap, lands, beside, name="checkpoint-50.pth"),)


def half(tensors):
    """As saved in half precision."""
    return {name: t.half() if t.dtype == torch.float32 else t for name, t in tensors.items()}
