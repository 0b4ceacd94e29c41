"""The official MGCA checkpoints, `vit_base.ckpt` and `resnet_50.ckpt` of HKU-MedAI/MGCA.

Written by Lightning. BERT has six layers, weights for cross-attention that nothing uses, and no
segment embeddings, which are zero here. The modules `*_local_atten_layer` are unused by default,
so that the option `token_attention` is `plain`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch

from baselines.checkpoints.dimensions import (
    BERT,
    image_size_of,
    report_size,
    resnet_size,
    vit_size,
)
from baselines.checkpoints.form import Fields, Form
from baselines.checkpoints.formats.gloria import (
    CLINICAL_VOCABULARY,
    ENLARGED,
    IMAGE_SIZE,
    clinical_tokenizer,
)

if TYPE_CHECKING:
    from torch import Tensor

    from baselines.checkpoints.shapes import Shapes

TEXT_PIECES = 112
_HEADS = (
    (r"^img_encoder_q\.global_embed\.head\.", "image_head."),
    (r"^img_encoder_q\.local_embed\.head\.", "patch_head."),
    (r"^text_encoder_q\.global_embed\.head\.", "report_head."),
    (r"^text_encoder_q\.local_embed\.head\.", "word_head."),
    (r"^text_encoder_q\.model\.", BERT),
    (r"^prototype_layer\.", "prototypes."),
)
_SEGMENTS = BERT + "embeddings.token_type_embeddings.weight"


def vectors_of(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Convolutions of kernel 1 over tokens become linear layers; absent segments become zero."""
    changed = {
        name: value.squeeze(-1) if value.dim() == 3 and "_head." in name else value
        for name, value in tensors.items()
    }
    words = changed.get(BERT + "embeddings.word_embeddings.weight")
    if words is not None and _SEGMENTS not in changed:
        changed[_SEGMENTS] = torch.zeros(2, words.shape[1])
    return changed


def mgca_fields(shape: Shapes, image: str) -> Fields:
    """Dimensions; `image` is `vit` or `resnet`."""
    size = {
        **(vit_size(shape) if image == "vit" else resnet_size(shape)),
        **report_size(shape),
        "read_length": TEXT_PIECES,
        "head_width": shape["image_head.0.weight"][0],
        "shared_width": shape["image_head.3.weight"][0],
        "prototypes": shape["prototypes.weight"][0],
        "frozen_prototype_steps": 0,
    }
    if image == "resnet":
        size["enlargement"] = ENLARGED / IMAGE_SIZE
    side = image_size_of(shape) if image == "vit" else IMAGE_SIZE
    return Fields(size, side, {"token_attention": "plain"})


def _form(title: str, baseline: str, image: str, mark: str, prefix: str) -> Form:
    return Form(
        title=title,
        baselines=(baseline,),
        source="links in the repository HKU-MedAI/MGCA; BenchX's files at Hugging Face, "
        "youngzhou12/MGCA-vit and youngzhou12/MGCA-resnet50; the licences stand there",
        marks=(mark, r"^img_encoder_q\.global_embed\.head\.", r"^prototype_layer\."),
        dropped=(
            r"\.crossattention\.",
            r"_local_atten_layer\.",
            r"^text_encoder_q\.model\.(pooler|cls)\.",
        ),
        renames=((r"^img_encoder_q\.model\.", prefix), *_HEADS),
        convert=vectors_of,
        fields=partial(mgca_fields, image=image),
        initial=(r"^prototype_steps$",),
        vocabulary=CLINICAL_VOCABULARY,
        tokenizer=clinical_tokenizer,
    )


_RESNET = r"^img_encoder_q\.model\.conv1\."

FORMS = (
    _form("MGCA (ViT)", "mgca", "vit", r"^img_encoder_q\.model\.patch_embed\.", ""),
    _form("MGCA (ResNet)", "mgca_resnet50", "resnet", _RESNET, "backbone."),
)
