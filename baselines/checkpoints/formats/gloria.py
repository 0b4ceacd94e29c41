"""The official GLoRIA checkpoint, written by Lightning, of marshuang80/gloria.

Its `hyper_parameters` are an OmegaConf object, so that the released file asks for
`--trust-weights` and an installed omegaconf. BERT's pooler is in the file and not used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.checkpoints.dimensions import report_size, resnet_size
from baselines.checkpoints.form import Companion, Fields, Form
from baselines.encoders.bert_vocabulary import bert_tokenizer_json

if TYPE_CHECKING:
    from pathlib import Path

    from baselines.checkpoints.shapes import Shapes

IMAGE_SIZE, ENLARGED, WORDS = 224, 299, 97
CLINICAL_VOCABULARY = Companion(
    names=("vocab.txt", "Bio_ClinicalBERT/vocab.txt"),
    what="the vocabulary of Bio_ClinicalBERT",
    source="Hugging Face, emilyalsentzer/Bio_ClinicalBERT, whose licence stands there,",
)


def clinical_tokenizer(path: Path) -> str:
    """Of Bio_ClinicalBERT: lower case on a vocabulary that has upper case.

    That is what transformers makes of its files, as the authors' issue 26 shows, and what GLoRIA
    and MGCA read: both lower their texts first.
    """
    return bert_tokenizer_json(path, lowercase=True)


def gloria_fields(shape: Shapes) -> Fields:
    """Dimensions; texts are cut to 97 pieces and images enlarged, as officially."""
    size = {
        **resnet_size(shape),
        **report_size(shape),
        "read_length": WORDS,
        "enlargement": ENLARGED / IMAGE_SIZE,
    }
    return Fields(size=size, image_size=IMAGE_SIZE)


FORMS = (
    Form(
        title="GLoRIA",
        baselines=("gloria",),
        source="links in the repository marshuang80/gloria, whose licence stands there",
        marks=(
            r"^gloria\.img_encoder\.model\.conv1\.weight$",
            r"^gloria\.img_encoder\.global_embedder\.",
            r"^gloria\.text_encoder\.model\.embeddings\.",
        ),
        dropped=(r"^gloria\.text_encoder\.model\.pooler\.",),
        renames=(
            (r"^gloria\.img_encoder\.model\.", "backbone."),
            (r"^gloria\.img_encoder\.", ""),
            (r"^gloria\.text_encoder\.model\.", "bert_encoder.model.bert."),
        ),
        fields=gloria_fields,
        vocabulary=CLINICAL_VOCABULARY,
        tokenizer=clinical_tokenizer,
    ),
)
