"""The official MedKLIP file at a small size, with the text tower and explanations beside it."""

from __future__ import annotations

import json

import torch

from tests.released.fixture import ReleasedFixture, drawn, shapes_of
from tests.released.gloria import PIECES, small_resnet
from tests.released.maco import TEXT, bert_shapes, language_head, linear, norm

CELLS, WIDTH, HIDDEN = 24, 64, 48
PARTS = {"conv1": 0, "bn1": 1, "layer1": 4, "layer2": 5, "layer3": 6}
PLACES = {
    "res_l1": "image_hidden",
    "res_l2": "image_out",
    "disease_embedding_layer": "query_projection",
    "cl_fc": "location_head",
}
NAMED = [
    "normal",
    "clear",
    "effusion",
    "opacity",
    "pneumothorax",
    "edema",
    "atelectasis",
    "consolidation",
    "eumonia",
    "cardiomegaly",
    "nodule",
    "thicken",
    "emphysema",
    "mass",
    "infiltrate",
    "hernia",
    "tail_abnorm_obs",
]
NAMES = [*NAMED[:8], *(f"other_{index}" for index in range(58)), *NAMED[8:]]


def image_shapes():
    """Parts to the third stage, by number, as `nn.Sequential` names them."""
    shapes = {}
    for name, shape in shapes_of(small_resnet()).items():
        part, _, rest = name.partition(".")
        if part in PARTS:
            shapes[f"res_features.{PARTS[part]}.{rest}"] = shape
    return shapes


def attention(name):
    return {
        f"{name}.in_proj_weight": (3 * WIDTH, WIDTH),
        f"{name}.in_proj_bias": (3 * WIDTH,),
        **linear(f"{name}.out_proj", WIDTH, WIDTH),
    }


def decoder_shapes(depth=2):
    shapes = {}
    for index in range(depth):
        layer = f"decoder.layers.{index}"
        shapes |= attention(f"{layer}.self_attn") | attention(f"{layer}.multihead_attn")
        shapes |= linear(f"{layer}.linear1", HIDDEN, WIDTH)
        shapes |= linear(f"{layer}.linear2", WIDTH, HIDDEN)
        for number in (1, 2, 3):
            shapes |= norm(f"{layer}.norm{number}", WIDTH)
    return shapes | norm("decoder.norm", WIDTH)


def state(seed):
    return drawn(
        {
            **linear("disease_embedding_layer", WIDTH, TEXT),
            **linear("cl_fc", TEXT, WIDTH),
            **image_shapes(),
            **linear("res_l1", CELLS, CELLS),
            **linear("res_l2", WIDTH, CELLS),
            **decoder_shapes(),
            **linear("classifier", 2, WIDTH),
        },
        seed,
    )


def texts(seed):
    return drawn(
        {
            **bert_shapes("bert.", length=80, pooler=TEXT),
            **language_head("cls.predictions."),
            **linear("cls.seq_relationship", 2, TEXT),
        },
        seed,
    )


def wrap(tensors):
    return {
        "model": {f"module.{name}": value for name, value in tensors.items()},
        "optimizer": {"state": {}, "param_groups": []},
        "lr_scheduler": {"base_values": [1e-4]},
        "config": {"d_model": WIDTH, "H": 4, "N": 2},
        "epoch": 99,
    }


def lands(tensors):
    stages = {str(number): part for part, number in PARTS.items()}
    found = {}
    for name, value in tensors.items():
        first, _, rest = name.partition(".")
        if first == "res_features":
            number, _, rest = rest.partition(".")
            first = f"backbone.{stages[number]}"
        found[f"{PLACES.get(first, first)}.{rest}"] = value
    for name, value in texts(11).items():
        if name.startswith("bert.") and "position_ids" not in name and "pooler" not in name:
            found["bert_encoder.model." + name] = value
    return found


def beside(folder):
    inside = folder / "Bio_ClinicalBERT"
    inside.mkdir(exist_ok=True)
    torch.save(texts(11), inside / "pytorch_model.bin")
    (inside / "vocab.txt").write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    explained = {name: "There " * (index % 7) + "NO" for index, name in enumerate(NAMES)}
    (folder / "observation explanation.json").write_text(json.dumps(explained), encoding="utf-8")


FIXTURES = (
    ReleasedFixture(
        "medklip",
        "MedKLIP",
        state,
        wrap,
        lands,
        beside,
        initial=(r"^backbone\.layer4\.",),
        name="checkpoint_final.pth",
    ),
)
