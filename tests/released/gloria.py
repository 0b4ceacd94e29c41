"""An official GLoRIA file at a small size: ResNet-18 of narrow stages and a small BERT."""

from __future__ import annotations

import timm
import torch

from tests.released.fixture import ReleasedFixture, drawn, shapes_of
from tests.released.maco import TEXT, bert_shapes

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "there", "no", "eff", "##usion", "."]
IMAGE, TEXTS = "gloria.img_encoder.", "gloria.text_encoder.model."


def small_resnet():
    with torch.device("meta"):
        return timm.create_model("resnet18", num_classes=0, channels=(8, 16, 24, 32))


def state(seed):
    return drawn(
        {
            **shapes_of(small_resnet(), IMAGE + "model."),
            f"{IMAGE}global_embedder.weight": (TEXT, 32),
            f"{IMAGE}global_embedder.bias": (TEXT,),
            f"{IMAGE}local_embedder.weight": (TEXT, 24, 1, 1),
            **bert_shapes(TEXTS, length=128, pooler=TEXT),
        },
        seed,
    )


def wrap(tensors):
    return {"state_dict": tensors, "epoch": 19, "optimizer_states": [{}], "callbacks": {}}


def lands(tensors):
    found = {}
    for name, value in tensors.items():
        if name.endswith("position_ids") or ".pooler." in name:
            continue
        if name.startswith(TEXTS):
            found["bert_encoder.model.bert." + name.removeprefix(TEXTS)] = value
        elif name.startswith(IMAGE + "model."):
            found["backbone." + name.removeprefix(IMAGE + "model.")] = value
        else:
            found[name.removeprefix(IMAGE)] = value
    return found


def beside(folder):
    (folder / "vocab.txt").write_text("\n".join(PIECES) + "\n", encoding="utf-8")


FIXTURES = (
    ReleasedFixture("gloria", "GLoRIA", state, wrap, lands, beside, name="chexpert_resnet50.ckpt"),
)
