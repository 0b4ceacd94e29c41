"""BioViL's released files: the image model, and CXR-BERT beside it.

`biovil_image_resnet50_proj_size_128.pt` is a plain state dict. The text model is a folder of
Hugging Face's layout, or its two files beside the image model's. The image file keeps an unused
`fc`, the text file the output words, which are tied to the embeddings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.checkpoints.dimensions import BERT, report_size, resnet_size
from baselines.checkpoints.form import Companion, Fields, Form
from baselines.encoders.bert_vocabulary import bert_tokenizer_json

if TYPE_CHECKING:
    from pathlib import Path

    from baselines.checkpoints.shapes import Shapes

IMAGE_SIZE = 480
_FOLDER = "BiomedVLP-CXR-BERT-specialized/"
_WHERE = "Hugging Face, microsoft/BiomedVLP-CXR-BERT-specialized, whose licence stands there,"
CXR_BERT = Companion(
    names=tuple(
        f"{folder}{name}"
        for folder in ("", _FOLDER)
        for name in ("pytorch_model.bin", "model.safetensors")
    ),
    what="their text model, CXR-BERT",
    source=_WHERE,
    prefix="text/",
)
CXR_VOCABULARY = Companion(
    names=("vocab.txt", _FOLDER + "vocab.txt"), what="the vocabulary of CXR-BERT", source=_WHERE
)


def cxr_tokenizer(path: Path) -> str:
    """Of CXR-BERT, which reads lower case."""
    return bert_tokenizer_json(path, lowercase=True)


def biovil_fields(shape: Shapes) -> Fields:
    """Dimensions; the input is the centre of 480 pixels, as officially."""
    size = {
        **resnet_size(shape),
        **report_size(shape),
        "shared_width": shape["projector.model.3.weight"][0],
    }
    return Fields(size, IMAGE_SIZE)


FORMS = (
    Form(
        title="BioViL",
        baselines=("biovil",),
        source="Hugging Face, microsoft/BiomedVLP-CXR-BERT-specialized, revision v1.1, whose "
        "licence stands there",
        marks=(r"^encoder\.encoder\.conv1\.weight$", r"^projector\.model\.0\.weight$"),
        absent=(r"^encoder\.backbone_to_vit\.",),
        companions=(CXR_BERT,),
        dropped=(
            r"^encoder\.encoder\.fc\.",
            r"^text/bert\.pooler\.",
            r"^text/cls\.predictions\.decoder\.",
        ),
        renames=(
            (r"^encoder\.encoder\.", "backbone."),
            (r"^text/bert\.", BERT),
            (r"^text/cls\.predictions\.transform\.dense\.", "language_head.dense."),
            (r"^text/cls\.predictions\.transform\.LayerNorm\.", "language_head.norm."),
            (r"^text/cls\.predictions\.bias$", "language_head.bias"),
            (r"^text/cls_projection_head\.", "cls_projection_head."),
        ),
        fields=biovil_fields,
        vocabulary=CXR_VOCABULARY,
        tokenizer=cxr_tokenizer,
    ),
)
