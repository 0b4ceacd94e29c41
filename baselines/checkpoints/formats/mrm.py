"""The official MRM checkpoint of RL4M/MRM-pytorch; BenchX's MRM file has the same names.

The file also holds a BERT pooler and a second bias of the language head, which the model computes
nothing with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.checkpoints.dimensions import decoder_size, image_size_of, report_size, vit_size
from baselines.checkpoints.form import Fields, Form
from baselines.checkpoints.formats.maco import TOKENIZER, read_tokenizer

if TYPE_CHECKING:
    from baselines.checkpoints.shapes import Shapes

_HEAD = r"^bert_encoder\.model\.cls\.predictions\."


def mrm_fields(shape: Shapes) -> Fields:
    """Dimensions, options and image size."""
    decoder, high_resolution = decoder_size(shape)
    return Fields(
        size={**vit_size(shape), **decoder, **report_size(shape)},
        image_size=image_size_of(shape),
        options={
            "high_resolution": high_resolution,
            "mlm_positions": "all",
            "antialias": False,
            "tied_words": False,
        },
    )


FORMS = (
    Form(
        title="MRM",
        baselines=("mrm",),
        source="links in the repository RL4M/MRM-pytorch; BenchX's file at Hugging Face, "
        "youngzhou12/MRM; the licences stand there",
        marks=(r"^bert_mlp\.weight$", r"^patch_embed\.proj\.weight$"),
        absent=(r"^img_mlp\.",),
        dropped=(r"^bert_encoder\.model\.bert\.pooler\.", _HEAD + r"bias$"),
        renames=(
            (_HEAD + r"transform\.dense\.", "language_head.dense."),
            (_HEAD + r"transform\.LayerNorm\.", "language_head.norm."),
            (_HEAD + r"decoder\.bias$", "language_head.bias"),
            (_HEAD + r"decoder\.weight$", "output_words.weight"),
        ),
        fields=mrm_fields,
        vocabulary=TOKENIZER,
        tokenizer=read_tokenizer,
    ),
)
