"""The official MaCo checkpoint, `checkpoint-EPOCH.pth` of SZUHvern/MaCo, and its small likes.

The file also holds a masked-language head, `logit_scale`, `pos_weight_text`, `pos_cat` and buffers
of the loss, which evaluation has no use for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.checkpoints.dimensions import (
    BERT,
    decoder_size,
    image_size_of,
    report_size,
    vit_size,
)
from baselines.checkpoints.form import Companion, Fields, Form
from benchmark.errors import BadDataError

if TYPE_CHECKING:
    from pathlib import Path

    from baselines.checkpoints.shapes import Shapes

TOKENIZER = Companion(
    names=("mimic_wordpiece.json",),
    what="their tokenizer",
    source="the repository SZUHvern/MaCo or RL4M/MRM-pytorch, whose licence stands there,",
)


def read_tokenizer(path: Path) -> str:
    """The official tokenizer's JSON, as it is."""
    return path.read_text(encoding="utf-8")


def maco_fields(shape: Shapes) -> Fields:
    """Dimensions, options and image size.

    Raises:
        BadDataError: A tensor that tells a size is missing, or shapes contradict.
    """
    image, shared = vit_size(shape), shape["img_mlp.weight"][0]
    pooler = shape[BERT + "pooler.dense.weight"][0]
    if pooler != shared:
        raise BadDataError(
            f"The text pooler gives {pooler} values and the image projection {shared}: such "
            "a model cannot compare them. The released file has a 768 x 384 pooler."
        )
    decoder, high_resolution = decoder_size(shape)
    return Fields(
        size={**image, **decoder, "shared_width": shared, **report_size(shape)},
        image_size=image_size_of(shape),
        options={
            "weighting": "official",
            "loss_weighting": "code",
            "antialias": False,
            "high_resolution": high_resolution,
        },
    )


FORMS = (
    Form(
        title="MaCo",
        baselines=("maco",),
        source="links in the repository SZUHvern/MaCo",
        marks=(r"^pos_weight_img\.weight$", r"^bert_encoder\.model\.bert\."),
        absent=(r"^bert_mlp\.",),
        dropped=(r"^(WCE|CE)\.",),
        fields=maco_fields,
        vocabulary=TOKENIZER,
        tokenizer=read_tokenizer,
    ),
)
