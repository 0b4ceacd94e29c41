"""The official MedKLIP checkpoint of MediaBrain-SJTU/MedKLIP.

It has an image tower to the third stage and the decoder, but not the frozen text tower that reads
the queries: Bio_ClinicalBERT and the explanations must lie beside it. The ResNet's parts are named
by number. The fourth stage is in no file; it stays as it is built, as officially.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenizers import Tokenizer, processors

from baselines.checkpoints.dimensions import BERT, report_size, resnet_size
from baselines.checkpoints.form import Companion, Fields, Form
from baselines.checkpoints.formats.gloria import CLINICAL_VOCABULARY
from baselines.encoders.bert_vocabulary import bert_tokenizer_json
from baselines.methods.official_medklip import OFFICIAL

if TYPE_CHECKING:
    from pathlib import Path

    from baselines.checkpoints.shapes import Shapes

IMAGE_SIZE, HEAD_WIDTH, STAGES = 224, 64, 3
PIECES = 64
"""To which the official evaluation cuts an explanation; the training had 128."""

CLINICAL_BERT = Companion(
    names=tuple(
        f"{folder}{name}"
        for folder in ("", "Bio_ClinicalBERT/")
        for name in ("pytorch_model.bin", "model.safetensors")
    ),
    what="the frozen text tower, Bio_ClinicalBERT",
    source=CLINICAL_VOCABULARY.source,
    prefix="text/",
)
EXPLANATIONS = Companion(
    names=("observation explanation.json", "observation_explanation.json"),
    what="the explanations of their 75 entities",
    source="the repository MediaBrain-SJTU/MedKLIP (PreTrain_MedKLIP/data_file), whose licence "
    "stands there,",
)
_NORMS = r"^text/(?:bert\.)?(.*LayerNorm\.)"


def explanation_tokenizer(path: Path) -> str:
    """Of the repository: lower case on a vocabulary that has upper case, and no `[SEP]`.

    Its class is ALBEF's, which leaves the end of a single text open; the case is that class's
    default, since Bio_ClinicalBERT comes without a file that says otherwise.
    """
    tokenizer = Tokenizer.from_str(bert_tokenizer_json(path, lowercase=True))
    first = [("[CLS]", tokenizer.token_to_id("[CLS]"))]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A", special_tokens=first
    )
    return str(tokenizer.to_str())


def medklip_fields(shape: Shapes) -> Fields:
    """Dimensions, and the form of the queries' vectors; heads are 64 channels wide, as officially.

    A narrow ResNet has a fourth stage of twice the third's width.
    """
    width = shape["image_out.weight"][0]
    size = {
        **resnet_size(shape, stages=STAGES),
        **report_size(shape),
        "read_length": PIECES,
        "queries": OFFICIAL,
        "entities": 0,
        "query_width": width,
        "query_layers": shape.layers("decoder.layers."),
        "query_heads": max(width // HEAD_WIDTH, 1),
        "query_hidden": shape["decoder.layers.0.linear1.weight"][0],
        "query_dropout": 0.1,
    }
    if "widths" in size:
        size["widths"] = [*size["widths"], 2 * size["widths"][-1]]
    return Fields(size, IMAGE_SIZE, {"entity_vector": "cls", "unseen": ""})


FORMS = (
    Form(
        title="MedKLIP",
        baselines=("medklip",),
        source="a link in the repository MediaBrain-SJTU/MedKLIP; BenchX's file at Hugging Face, "
        "youngzhou12/MedKLIP; the licences stand there",
        marks=(
            r"^res_features\.0\.weight$",
            r"^res_l1\.weight$",
            r"^disease_embedding_layer\.weight$",
            r"^decoder\.layers\.0\.multihead_attn\.",
        ),
        companions=(CLINICAL_BERT,),
        dropped=(r"^text/(bert\.)?pooler\.", r"^text/cls\."),
        renames=(
            (r"^res_features\.0\.", "backbone.conv1."),
            (r"^res_features\.1\.", "backbone.bn1."),
            (r"^res_features\.4\.", "backbone.layer1."),
            (r"^res_features\.5\.", "backbone.layer2."),
            (r"^res_features\.6\.", "backbone.layer3."),
            (r"^res_l1\.", "image_hidden."),
            (r"^res_l2\.", "image_out."),
            (r"^disease_embedding_layer\.", "query_projection."),
            (r"^cl_fc\.", "location_head."),
            # Older files of BERT call the parameters of norms so.
            (_NORMS + "gamma$", BERT + r"\1weight"),
            (_NORMS + "beta$", BERT + r"\1bias"),
            (r"^text/(?:bert\.)?", BERT),
        ),
        fields=medklip_fields,
        initial=(r"^backbone\.layer4\.",),
        vocabulary=CLINICAL_VOCABULARY,
        tokenizer=explanation_tokenizer,
        texts=(("explanations", EXPLANATIONS),),
    ),
)
