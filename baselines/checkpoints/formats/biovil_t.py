"""BioViL-T's released files: the image model, and its own CXR-BERT beside it.

`biovil_t_image_model_proj_size_128.pt` is a plain state dict; text model, vocabulary and image
model are one folder on Hugging Face. Its text files have the names and tensors of BioViL's, which
are other weights: a folder of its own name is looked at first, so that one place can hold both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.checkpoints.dimensions import BERT
from baselines.checkpoints.form import Companion, Fields, Form
from baselines.checkpoints.formats.biovil import biovil_fields, cxr_tokenizer

if TYPE_CHECKING:
    from baselines.checkpoints.shapes import Shapes

IMAGE_SIZE = 448
_HEAD_WIDTH = 32
_FOLDERS = ("BiomedVLP-BioViL-T/", "")
_WHERE = "Hugging Face, microsoft/BiomedVLP-BioViL-T, whose licence stands there,"


def biovil_t_fields(shape: Shapes) -> Fields:
    """Dimensions; the input is the centre of 448 pixels, as officially."""
    width = shape["backbone_to_vit.weight"][0]
    size = {
        **biovil_fields(shape).size,
        "patch_width": width,
        "compare_layers": shape.layers("vit_pooler.blocks."),
        "compare_heads": max(width // _HEAD_WIDTH, 1),
    }
    return Fields(size, IMAGE_SIZE)


FORMS = (
    Form(
        title="BioViL-T",
        baselines=("biovil_t",),
        source="Hugging Face, microsoft/BiomedVLP-BioViL-T, revision v1.0, whose licence stands "
        "there",
        marks=(
            r"^encoder\.encoder\.conv1\.weight$",
            r"^encoder\.backbone_to_vit\.weight$",
            r"^encoder\.missing_previous_emb$",
            r"^projector\.model\.0\.weight$",
        ),
        companions=(
            Companion(
                names=tuple(
                    f"{folder}{name}"
                    for folder in _FOLDERS
                    for name in ("pytorch_model.bin", "model.safetensors")
                ),
                what="their text model",
                source=_WHERE,
                prefix="text/",
            ),
        ),
        # The output words are of training alone.
        dropped=(r"^encoder\.encoder\.fc\.", r"^text/bert\.pooler\.", r"^text/cls\.predictions\."),
        renames=(
            (r"^encoder\.encoder\.", "backbone."),
            (r"^encoder\.", ""),
            (r"^text/bert\.", BERT),
            (r"^text/cls_projection_head\.", "cls_projection_head."),
        ),
        fields=biovil_t_fields,
        vocabulary=Companion(
            names=tuple(f"{folder}vocab.txt" for folder in _FOLDERS),
            what="the vocabulary of their text model",
            source=_WHERE,
        ),
        tokenizer=cxr_tokenizer,
    ),
)
