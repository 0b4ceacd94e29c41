"""BenchX's ConVIRT: a ResNet-50 (`visual.model.*`), two heads, and a text tower.

The authors of the method release nothing. The text tower's names were not seen in a file: BenchX's
class puts it at `linguistic.encoder.*`, and `linguistic.*`, `lin.*` and further levels between are
read alike. Its public configuration names allenai/biomed_roberta_base; its `vocab.json` and
`merges.txt` then belong beside the weights. With a BERT instead, it is Bio_ClinicalBERT's
`vocab.txt`, the cased one. A vocabulary of another length than the file's is refused. Other tensors
of a training file (a language head, `loss_fn.*`) have no place and are listed as unused.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

from baselines.checkpoints.dimensions import BERT, report_size, resnet_size
from baselines.checkpoints.form import Companion, Fields, Form
from baselines.checkpoints.formats.gloria import CLINICAL_VOCABULARY, clinical_tokenizer
from baselines.encoders.bert_vocabulary import NEEDED
from baselines.methods.official_convirt import TOWERS
from benchmark.errors import BadDataError, MissingDataError

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from baselines.checkpoints.shapes import Shapes

IMAGE_SIZE = 224
PIECES = 128
"""To which BenchX cuts a report."""

BERT_EPSILON, ROBERTA_EPSILON = 1e-12, 1e-5
_FIRST_PLACE = 2
"""Row of a RoBERTa's table of positions that its first token gets."""

_SEGMENTS = BERT + "embeddings.token_type_embeddings.weight"
_PLACES = BERT + "embeddings.position_embeddings.weight"
_TOWER = r"^(?:linguistic|lin)\.(?:\w+\.)*?"
_INNER = "inner/"
_ROBERTA = "biomed_roberta_base"
VOCABULARY = Companion(
    names=("vocab.json", f"{_ROBERTA}/vocab.json", *CLINICAL_VOCABULARY.names),
    what="the vocabulary of their text tower",
    source=f"Hugging Face, allenai/{_ROBERTA} (with `merges.txt`), or `vocab.txt` of "
    "emilyalsentzer/Bio_ClinicalBERT where the tower is that BERT, whose licences stand there,",
)


def text_tokenizer(path: Path) -> str:
    """A RoBERTa's from its `vocab.json` and the `merges.txt` beside it, else Bio_ClinicalBERT's.

    Its four special pieces get BERT's names, which is what our towers ask for.

    Raises:
        BadDataError: The vocabulary is no RoBERTa's.
        MissingDataError: There is no `merges.txt`.
    """
    if path.suffix != ".json":
        return clinical_tokenizer(path)
    merges = path.parent / "merges.txt"
    if not merges.is_file():
        raise MissingDataError(
            f"`{path.name}` needs `merges.txt` of the same tokenizer.",
            looked_in=[merges],
            remedy=f"Take it from {VOCABULARY.source} and put it beside `{path.name}`.",
        )
    try:
        pieces = json.loads(path.read_text(encoding="utf-8"))
        renamed = {theirs: pieces.pop(theirs) for theirs in ("<pad>", "<unk>", "<s>", "</s>")}
        pieces |= dict(zip(NEEDED, renamed.values(), strict=True))
        lines = merges.read_text(encoding="utf-8").splitlines()
        kept = (line.split(" ") for line in lines if line and not line.startswith("#version"))
        pairs = [(first, second) for first, second in kept]
        model = models.BPE(vocab=pieces, merges=pairs, unk_token="[UNK]")
    # tokenizers raises plain exceptions for a merge whose pieces it does not know.
    except Exception as error:
        raise BadDataError(f"`{path}` and `{merges.name}` are no RoBERTa's: {error}.") from error
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[(name, pieces[name]) for name in ("[CLS]", "[SEP]")],
    )
    tokenizer.add_special_tokens(list(NEEDED))
    return str(tokenizer.to_str())


def one_pooler(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The pooler that is used, and a RoBERTa's positions from the first token's on.

    ViLMedic's class can have a pooler of its own, which then stands above the tower's.
    """
    found = {name: value for name, value in tensors.items() if not name.startswith(_INNER)}
    for name, value in tensors.items():
        if name.startswith(_INNER):
            found.setdefault(name.removeprefix(_INNER), value)
    if _SEGMENTS in found and _PLACES in found and len(found[_SEGMENTS]) == 1:
        found[_PLACES] = found[_PLACES][_FIRST_PLACE:]
    return found


def convirt_fields(shape: Shapes) -> Fields:
    """Dimensions; a tower with one segment is a RoBERTa."""
    texts, segments = report_size(shape), shape[_SEGMENTS][0]
    size = {
        **resnet_size(shape),
        **texts,
        "towers": TOWERS,
        "text_segments": segments,
        "text_epsilon": ROBERTA_EPSILON if segments == 1 else BERT_EPSILON,
        "read_length": min(PIECES, texts["text_length"]),
        "head_width": shape["image_head.0.weight"][0],
        "shared_width": shape["image_head.2.weight"][0],
    }
    return Fields(size, IMAGE_SIZE, {"text_pooling": "pooler"})


FORMS = (
    Form(
        title="ConVIRT (BenchX)",
        baselines=("convirt",),
        source="BenchX's file at Hugging Face, youngzhou12/ConVIRT, whose licence stands there; "
        "the authors release none",
        marks=(r"^visual\.model\.conv1\.weight$", r"^vis_proj\.0\.weight$", r"^lin_proj\."),
        dropped=(r"^visual\.model\.fc\.",),
        renames=(
            (r"^visual\.model\.", "backbone."),
            (r"^vis_proj\.", "image_head."),
            (r"^lin_proj\.", "text_head."),
            (r"^(?:linguistic|lin)\.pooler\.dense\.", "pooler."),
            (_TOWER + r"pooler\.dense\.", f"{_INNER}pooler."),
            (_TOWER + r"(embeddings\.|encoder\.layer\.)", BERT + r"\1"),
        ),
        convert=one_pooler,
        fields=convirt_fields,
        vocabulary=VOCABULARY,
        tokenizer=text_tokenizer,
    ),
)
