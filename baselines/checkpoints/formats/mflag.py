"""M-FLAG's `*_total.pth`, written by the code of cheliu-computation/M-FLAG-MICCAI2023.

A plain state dict. Its language model is CXR-BERT, by itself (`lm_model.encoder.*`) or inside the
published class (`lm_model.bert.*`), whose heads are not used. The other file of that code,
`*_encoder.pth`, is any ResNet's state dict and is not read: nothing tells it from others, and it
has no projection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.checkpoints.dimensions import BERT, report_size, resnet_size
from baselines.checkpoints.form import Fields, Form
from baselines.checkpoints.formats.biovil import CXR_VOCABULARY, cxr_tokenizer

if TYPE_CHECKING:
    from baselines.checkpoints.shapes import Shapes

IMAGE_SIZE = 224


def mflag_fields(shape: Shapes) -> Fields:
    """Dimensions."""
    size = {
        **resnet_size(shape),
        **report_size(shape),
        "hidden_width": shape["proj_v.0.weight"][0],
        "shared_width": shape["proj_v.3.weight"][0],
    }
    return Fields(size, IMAGE_SIZE)


FORMS = (
    Form(
        title="M-FLAG",
        baselines=("mflag",),
        source="BenchX's file at Hugging Face, youngzhou12/M-FLAG, whose licence stands there; "
        "the authors release none",
        marks=(r"^encoder\.conv1\.weight$", r"^proj_v\.0\.weight$", r"^proj_t\.0\.weight$"),
        dropped=(
            r"^encoder\.fc\.",
            r"^lm_model\.(bert\.)?pooler\.",
            r"^lm_model\.(cls|cls_projection_head)\.",
        ),
        renames=((r"^encoder\.", "backbone."), (r"^lm_model\.(bert\.)?", BERT)),
        fields=mflag_fields,
        vocabulary=CXR_VOCABULARY,
        tokenizer=cxr_tokenizer,
    ),
)
