"""BioViL's two official files at a small size."""

from __future__ import annotations

import torch

from tests.released.fixture import ReleasedFixture, drawn, shapes_of
from tests.released.gloria import PIECES, small_resnet
from tests.released.maco import TEXT, bert_shapes, language_head, linear, norm

SHARED = 32
HEAD = "cls.predictions."
PLACES = {
    "language_head.dense.weight": HEAD + "transform.dense.weight",
    "language_head.dense.bias": HEAD + "transform.dense.bias",
    "language_head.norm.weight": HEAD + "transform.LayerNorm.weight",
    "language_head.norm.bias": HEAD + "transform.LayerNorm.bias",
    "language_head.bias": HEAD + "bias",
}


def images(seed):
    return drawn(
        {
            **shapes_of(small_resnet(), "encoder.encoder."),
            **linear("encoder.encoder.fc", 1000, 32),
            "projector.model.0.weight": (SHARED, 32, 1, 1),
            **norm("projector.model.1", SHARED),
            "projector.model.1.running_mean": (SHARED,),
            "projector.model.1.running_var": (SHARED,),
            "projector.model.1.num_batches_tracked": (),
            "projector.model.3.weight": (SHARED, SHARED, 1, 1),
            "projector.model.3.bias": (SHARED,),
        },
        seed,
    )


def texts(seed):
    return drawn(
        {
            **bert_shapes("bert.", length=40),
            **language_head(HEAD),
            **linear("cls_projection_head.dense_to_hidden", SHARED, TEXT),
            **norm("cls_projection_head.LayerNorm", SHARED),
            **linear("cls_projection_head.dense_to_output", SHARED, SHARED),
        },
        seed,
    )


def lands(tensors):
    found = {
        name.replace("encoder.encoder.", "backbone."): value
        for name, value in tensors.items()
        if ".fc." not in name
    }
    words = texts(11)
    for name, value in words.items():
        if name.startswith("bert.") and "position_ids" not in name:
            found["bert_encoder.model." + name] = value
        elif name.startswith("cls_projection_head."):
            found[name] = value
    return found | {ours: words[theirs] for ours, theirs in PLACES.items()}


def beside(folder):
    inside = folder / "BiomedVLP-CXR-BERT-specialized"
    inside.mkdir(exist_ok=True)
    torch.save(texts(11), inside / "pytorch_model.bin")
    (inside / "vocab.txt").write_text("\n".join(PIECES) + "\n", encoding="utf-8")


FIXTURES = (
    ReleasedFixture(
        "biovil",
        "BioViL",
        images,
        dict,
        lands,
        beside,
        name="biovil_image_resnet50_proj_size_128.pt",
    ),
)
