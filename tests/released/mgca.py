"""Official MGCA files at a small size: the one with a transformer and the one with a ResNet."""

from __future__ import annotations

from functools import partial

import torch

from tests.released.fixture import ReleasedFixture, drawn, shapes_of
from tests.released.gloria import beside, small_resnet
from tests.released.maco import TEXT, WIDTH, bert_shapes, mae_shapes

HIDDEN, SHARED, PROTOTYPES = 48, 32, 16
IMAGE, TEXTS = "img_encoder_q.", "text_encoder_q."
HEADS = {
    IMAGE + "global_embed.head.": "image_head.",
    IMAGE + "local_embed.head.": "patch_head.",
    TEXTS + "global_embed.head.": "report_head.",
    TEXTS + "local_embed.head.": "word_head.",
}
BERT = "bert_encoder.model.bert."


def head(prefix, width, kernel):
    shapes = {
        "0.weight": (HIDDEN, width, *kernel),
        "0.bias": (HIDDEN,),
        "3.weight": (SHARED, HIDDEN, *kernel),
        "3.bias": (SHARED,),
        "1.weight": (HIDDEN,),
        "1.bias": (HIDDEN,),
    }
    for index, channels in ((1, HIDDEN), (4, SHARED)):
        shapes |= {
            f"{index}.running_mean": (channels,),
            f"{index}.running_var": (channels,),
            f"{index}.num_batches_tracked": (),
        }
    return {prefix + name: shape for name, shape in shapes.items()}


def state(seed, image):
    vit = image == "vit"
    tower = mae_shapes(decoder=False) if vit else shapes_of(small_resnet())
    whole, patch = (WIDTH, WIDTH) if vit else (32, 24)
    texts = bert_shapes(TEXTS + "model.", length=128)
    segments = TEXTS + "model.embeddings.token_type_embeddings.weight"
    unused = {
        TEXTS + "model.encoder.layer.0.crossattention.self.query.weight": (TEXT, TEXT),
        "patch_local_atten_layer.in_proj_weight": (3 * SHARED, SHARED),
        "word_local_atten_layer.in_proj_bias": (3 * SHARED,),
    }
    return drawn(
        {
            **{f"{IMAGE}model.{name}": shape for name, shape in tower.items()},
            **head(IMAGE + "global_embed.head.", whole, ()),
            **head(IMAGE + "local_embed.head.", patch, (1,)),
            **head(TEXTS + "global_embed.head.", TEXT, ()),
            **head(TEXTS + "local_embed.head.", TEXT, (1,)),
            **{name: shape for name, shape in texts.items() if name != segments},
            **unused,
            "prototype_layer.weight": (PROTOTYPES, SHARED),
        },
        seed,
    )


def wrap(tensors):
    return {"state_dict": tensors, "hyper_parameters": {"emb_dim": SHARED}, "epoch": 12}


def lands(tensors, image):
    found = {BERT + "embeddings.token_type_embeddings.weight": torch.zeros(2, TEXT)}
    for name, value in tensors.items():
        if "atten" in name and "attention.self" not in name and "attention.output" not in name:
            continue
        if "crossattention" in name or "position_ids" in name:
            continue
        for theirs, ours in HEADS.items():
            if name.startswith(theirs):
                flat = value[..., 0] if value.dim() == 3 else value
                found[ours + name.removeprefix(theirs)] = flat
        if name.startswith(TEXTS + "model."):
            found[BERT + name.removeprefix(TEXTS + "model.")] = value
        elif name.startswith(IMAGE + "model."):
            tower = name.removeprefix(IMAGE + "model.")
            found[tower if image == "vit" else "backbone." + tower] = value
    found["prototypes.weight"] = tensors["prototype_layer.weight"]
    return found


def _fixture(baseline, title, image, name):
    return ReleasedFixture(
        baseline,
        title,
        partial(state, image=image),
        wrap,
        partial(lands, image=image),
        beside,
        initial=(r"^prototype_steps$",),
        name=name,
    )


FIXTURES = (
    _fixture("mgca", "MGCA (ViT)", "vit", "vit_base.ckpt"),
    _fixture("mgca_resnet50", "MGCA (ResNet)", "resnet", "resnet_50.ckpt"),
)
