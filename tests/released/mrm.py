"""An official MRM file at a small size."""

from __future__ import annotations

import argparse

from tests.released.fixture import ReleasedFixture, drawn
from tests.released.maco import TEXT, WIDTH, bert_shapes, beside, language_head, linear, mae_shapes

HEAD = "bert_encoder.model.cls.predictions."
PLACES = {
    "language_head.dense": HEAD + "transform.dense",
    "language_head.norm": HEAD + "transform.LayerNorm",
}


def state(seed):
    return drawn(
        {
            **mae_shapes(),
            **linear("bert_mlp", TEXT, WIDTH),
            **bert_shapes("bert_encoder.model.bert.", pooler=TEXT),
            **language_head(HEAD),
        },
        seed,
    )


def wrap(tensors):
    tensors = {f"module.{name}": value for name, value in tensors.items()}
    return {"model": tensors, "epoch": 199, "args": argparse.Namespace(batch_size=256)}


def lands(tensors):
    found = {n: t for n, t in tensors.items() if not n.startswith(HEAD)}
    found = {n: t for n, t in found.items() if ".pooler." not in n and "position_ids" not in n}
    for ours, theirs in PLACES.items():
        for part in ("weight", "bias"):
            found[f"{ours}.{part}"] = tensors[f"{theirs}.{part}"]
    found["language_head.bias"] = tensors[HEAD + "decoder.bias"]
    found["output_words.weight"] = tensors[HEAD + "decoder.weight"]
    return found


FIXTURES = (ReleasedFixture("mrm", "MRM", state, wrap, lands, beside, name="MRM.pth"),)
