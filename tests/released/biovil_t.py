"""BioViL-T's two official files at a small size."""

from __future__ import annotations

import torch

from tests.released.biovil import PIECES, SHARED, texts
from tests.released.fixture import ReleasedFixture, drawn, shapes_of
from tests.released.gloria import small_resnet
from tests.released.maco import linear, norm

PATCH, RESNET = 64, 32
POOLER = "encoder.vit_pooler."
WORDS = 13


def compare_block(name):
    shapes = {**norm(f"{name}.norm1", PATCH)}
    for part in ("proj_q", "proj_k", "proj_v"):
        shapes[f"{name}.attn.{part}.weight"] = (PATCH, PATCH)
    return {
        **shapes,
        **linear(f"{name}.attn.proj", PATCH, PATCH),
        **norm(f"{name}.norm2", PATCH),
        **linear(f"{name}.mlp.fc1", PATCH, PATCH),
        **linear(f"{name}.mlp.fc2", PATCH, PATCH),
    }


def images(seed):
    shapes = {
        "encoder.missing_previous_emb": (1, PATCH, 1, 1),
        **shapes_of(small_resnet(), "encoder.encoder."),
        **linear("encoder.encoder.fc", 1000, RESNET),
        "encoder.backbone_to_vit.weight": (PATCH, RESNET, 1, 1),
        POOLER + "type_embed": (2, 1, PATCH),
    }
    for index in range(3):
        shapes |= compare_block(f"{POOLER}blocks.{index}")
    return drawn(
        {
            **shapes,
            **norm(POOLER + "norm_post", PATCH),
            "projector.model.0.weight": (SHARED, 2 * PATCH, 1, 1),
            **norm("projector.model.1", SHARED),
            "projector.model.1.running_mean": (SHARED,),
            "projector.model.1.running_var": (SHARED,),
            "projector.model.1.num_batches_tracked": (),
            "projector.model.3.weight": (SHARED, SHARED, 1, 1),
            "projector.model.3.bias": (SHARED,),
        },
        seed,
    )


def lands(tensors):
    found = {}
    for name, value in tensors.items():
        if name.startswith("encoder.encoder."):
            found["backbone." + name.split(".", 2)[2]] = value
        else:
            found[name.removeprefix("encoder.")] = value
    found = {name: value for name, value in found.items() if not name.startswith("backbone.fc.")}
    for name, value in texts(WORDS).items():
        if name.startswith("bert.") and "position_ids" not in name:
            found["bert_encoder.model." + name] = value
        elif name.startswith("cls_projection_head."):
            found[name] = value
    return found


def beside(folder):
    torch.save(texts(WORDS), folder / "pytorch_model.bin")
    (folder / "vocab.txt").write_text("\n".join(PIECES) + "\n", encoding="utf-8")


FIXTURES = (
    ReleasedFixture(
        "biovil_t",
        "BioViL-T",
        images,
        dict,
        lands,
        beside,
        name="biovil_t_image_model_proj_size_128.pt",
    ),
)
