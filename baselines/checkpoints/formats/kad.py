"""The official KAD checkpoint, `best_valid.pt` of xiaoman-zhang/KAD, in three sections.

The image tower keeps a whole ResNet (`resnet.*`) and beside it the parts that it reads, by number
(`res_features.*`): one storage under two names. So have the query network's `decoder_norm` and
`decoder.norm`. Which stage is read is told by the first projection's width: the third by KAD-224,
whose fourth is ImageNet's, the fourth by KAD-512 and KAD-1024, which no shape tells apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from baselines.checkpoints.dimensions import BERT, report_size, resnet_size
from baselines.checkpoints.form import Companion, Fields, Form
from baselines.encoders.bert_vocabulary import bert_tokenizer_json
from baselines.methods.kad import STAGES
from benchmark.errors import BadDataError

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from baselines.checkpoints.shapes import Shapes

IMAGE_SIZES = {3: 224, 4: 512}
"""Side of the input by the stage that is read."""

PIECES, HEAD_WIDTH = 256, 192
"""To which the official evaluation cuts a text; channels of a head of the query network."""

_TWIN = "twin/"
_PUBMED = "BiomedNLP-PubMedBERT-base-uncased-abstract-fulltext"
VOCABULARY = Companion(
    names=("vocab.txt", f"{_PUBMED}/vocab.txt", "Med-KEBERT/vocab.txt"),
    what="the vocabulary of PubMedBERT",
    source=f"Hugging Face, microsoft/{_PUBMED}, whose licence stands there,",
)


def pubmed_tokenizer(path: Path) -> str:
    """Of PubMedBERT, which reads lower case."""
    return bert_tokenizer_json(path, lowercase=True)


def single_names(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """One name for what the file has under two.

    Raises:
        BadDataError: The two are not equal, so that no one can say which is meant.
    """
    found = {name: value for name, value in tensors.items() if not name.startswith(_TWIN)}
    for name, value in tensors.items():
        if name.startswith(_TWIN):
            first = found.setdefault(name.removeprefix(_TWIN), value)
            if not torch.equal(first, value):
                raise BadDataError(
                    f"The weight file has `{name.removeprefix(_TWIN)}` twice, with two contents."
                )
    return found


def kad_fields(shape: Shapes) -> Fields:
    """Dimensions and the image size.

    Raises:
        BadDataError: The projection fits neither stage.
    """
    cells, width = shape["image_hidden.weight"][0], shape["image_out.weight"][0]
    last = "conv3" if shape.has("backbone.layer1.0.conv3.") else "conv2"
    stages = [n for n in STAGES if shape[f"backbone.layer{n}.0.{last}.weight"][0] == cells]
    if not stages:
        raise BadDataError(f"KAD's projection reads {cells} channels, which no late stage has.")
    texts = report_size(shape)
    size = {
        **resnet_size(shape),
        **texts,
        "read_length": min(PIECES, texts["text_length"]),
        "stage": stages[0],
        "query_width": width,
        "query_layers": shape.layers("decoder.layers."),
        "query_heads": max(width // HEAD_WIDTH, 1),
        "query_hidden": shape["decoder.layers.0.linear1.weight"][0],
        "query_dropout": 0.1,
    }
    return Fields(size, IMAGE_SIZES[stages[0]])


FORMS = (
    Form(
        title="KAD",
        baselines=("kad",),
        source="links in the repository xiaoman-zhang/KAD, whose licence stands there",
        sections=("image_encoder", "text_encoder", "model"),
        marks=(
            r"^image_encoder/resnet\.conv1\.weight$",
            r"^image_encoder/res_l1\.weight$",
            r"^text_encoder/mlp_embed\.0\.weight$",
            r"^model/decoder_norm\.weight$",
        ),
        dropped=(r"^image_encoder/resnet\.fc\.", r"^(text_encoder|model)/logit_scale$"),
        renames=(
            (r"^image_encoder/resnet\.", "backbone."),
            (r"^image_encoder/res_features\.0\.", f"{_TWIN}backbone.conv1."),
            (r"^image_encoder/res_features\.1\.", f"{_TWIN}backbone.bn1."),
            (r"^image_encoder/res_features\.4\.", f"{_TWIN}backbone.layer1."),
            (r"^image_encoder/res_features\.5\.", f"{_TWIN}backbone.layer2."),
            (r"^image_encoder/res_features\.6\.", f"{_TWIN}backbone.layer3."),
            (r"^image_encoder/res_features\.7\.", f"{_TWIN}backbone.layer4."),
            (r"^image_encoder/res_l1\.", "image_hidden."),
            (r"^image_encoder/res_l2\.", "image_out."),
            (r"^text_encoder/bert_model\.pooler\.dense\.", "pooler."),
            (r"^text_encoder/bert_model\.", BERT),
            (r"^text_encoder/mlp_embed\.0\.", "text_hidden."),
            (r"^text_encoder/mlp_embed\.2\.", "text_out."),
            (r"^model/decoder_norm\.", f"{_TWIN}decoder.norm."),
            (r"^model/decoder\.", "decoder."),
            (r"^model/mlp_head\.0\.", "classifier."),
        ),
        convert=single_names,
        fields=kad_fields,
        vocabulary=VOCABULARY,
        tokenizer=pubmed_tokenizer,
    ),
)
