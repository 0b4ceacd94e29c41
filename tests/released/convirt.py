"""BenchX's ConVIRT at a small size: with a RoBERTa as its text tower, and with a BERT."""

from __future__ import annotations

import json

from tokenizers import pre_tokenizers

from tests.released.fixture import ReleasedFixture, drawn, shapes_of
from tests.released.gloria import PIECES, small_resnet
from tests.released.maco import TEXT, bert_shapes, half, linear

SHARED, WORDS, PLACES = 48, 300, 40
IMAGE, BERT = "visual.model.", "bert_encoder.model.bert."
ROBERTA, CLINICAL = "linguistic.encoder.", "lin.model."
SEGMENTS = "embeddings.token_type_embeddings.weight"
MERGES = ("e f", "ef f", "Ġ eff", "Ġ n", "Ġn o")
WORD_LIST = [*PIECES, *(f"word{index}" for index in range(WORDS - len(PIECES)))]


def shapes(tower):
    return {
        **shapes_of(small_resnet(), IMAGE),
        **linear("vis_proj.0", SHARED, 32),
        **linear("vis_proj.2", SHARED, SHARED),
        **linear("lin_proj.0", SHARED, TEXT),
        **linear("lin_proj.2", SHARED, SHARED),
        **bert_shapes(tower, words=WORDS, length=PLACES, pooler=TEXT),
    }


def with_roberta(seed):
    return drawn(shapes(ROBERTA) | {ROBERTA + SEGMENTS: (1, TEXT)}, seed)


def with_bert(seed):
    """In half precision, with ViLMedic's own pooler beside the tower's."""
    return half(drawn(shapes(CLINICAL) | linear("lin.pooler.dense", TEXT, TEXT), seed))


def wrap_model(tensors):
    return {
        "model": {f"module.{name}": value for name, value in tensors.items()},
        "optimizer": {"state": {}, "param_groups": []},
        "scheduler": {"best": 1.2},
        "scaler": {},
        "epoch": 41,
    }


def wrap_state(tensors):
    return {"state_dict": tensors, "epoch": 20, "config": {"name": "convirt_mimic"}}


def lands(tensors):
    found = {}
    towers, heads = (ROBERTA, CLINICAL), {"vis_proj.": "image_head.", "lin_proj.": "text_head."}
    for name, value in tensors.items():
        tower = next((part for part in towers if name.startswith(part)), None)
        if name.startswith(IMAGE):
            found["backbone." + name.removeprefix(IMAGE)] = value
        elif name[:9] in heads:
            found[heads[name[:9]] + name[9:]] = value
        elif tower and ".pooler." not in name and "position_ids" not in name:
            found[BERT + name.removeprefix(tower)] = value
    outer = "lin." if "lin.pooler.dense.weight" in tensors else ROBERTA
    for kind in ("weight", "bias"):
        found[f"pooler.{kind}"] = tensors[f"{outer}pooler.dense.{kind}"]
    if len(found[BERT + SEGMENTS]) == 1:
        places = BERT + "embeddings.position_embeddings.weight"
        # A RoBERTa's first token is at 2.
        found[places] = found[places][2:]
    return found


def byte_pieces():
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    joined = [merge.replace(" ", "") for merge in MERGES]
    pieces = ["<s>", "<pad>", "</s>", "<unk>", *letters, *joined]
    pieces += [f"madeupword{index}" for index in range(WORDS - len(pieces) - 1)]
    return {piece: index for index, piece in enumerate([*pieces, "<mask>"])}


def beside_roberta(folder):
    (folder / "vocab.json").write_text(json.dumps(byte_pieces()), encoding="utf-8")
    lines = ["#version: 0.2", *MERGES]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def beside_bert(folder):
    (folder / "vocab.txt").write_text("\n".join(WORD_LIST) + "\n", encoding="utf-8")


def _fixture(state, wrap, beside, name):
    return ReleasedFixture("convirt", "ConVIRT (BenchX)", state, wrap, lands, beside, name=name)


FIXTURES = (
    _fixture(with_roberta, wrap_model, beside_roberta, "ConVIRT.pth"),
    _fixture(with_bert, wrap_state, beside_bert, "convirt_bert.pth"),
)
