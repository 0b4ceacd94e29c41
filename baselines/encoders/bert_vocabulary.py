"""The tokenizer of published BERTs: their `vocab.txt`, `[CLS]` in front and `[SEP]` behind."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from baselines.encoders.wordpiece import ReportTokenizer
from benchmark.errors import BadDataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor

NEEDED = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")


def bert_tokenizer_json(path: Path, lowercase: bool) -> str:
    """The tokenizer's JSON from a `vocab.txt`, one piece a line.

    Args:
        path: Of the vocabulary.
        lowercase: As the model was trained: false for BERT-cased and its clinical likes.

    Raises:
        BadDataError: It lacks a piece that BERT needs.
    """
    pieces = path.read_text(encoding="utf-8").splitlines()
    numbers = {piece: number for number, piece in enumerate(pieces)}
    absent = [piece for piece in NEEDED if piece not in numbers]
    if absent:
        raise BadDataError(f"`{path}` is no BERT vocabulary: it lacks {', '.join(absent)}.")
    tokenizer = Tokenizer(models.WordPiece(vocab=numbers, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[("[CLS]", numbers["[CLS]"]), ("[SEP]", numbers["[SEP]"])],
    )
    tokenizer.add_special_tokens(list(NEEDED))
    return str(tokenizer.to_str())


class BertTokenizer:
    """Texts to padded id tensors, as published BERTs were fed.

    Args:
        tokenizer_json: From `bert_tokenizer_json`, or a `tokenizer.json` of a published BERT.
        length: Longer texts are cut to this many ids, `[CLS]` and `[SEP]` included.
        capacity: Rows of the embedding table.
    """

    def __init__(self, tokenizer_json: str, length: int, capacity: int) -> None:
        self.json = tokenizer_json
        self.capacity = capacity
        self._tokenizer = Tokenizer.from_str(tokenizer_json)
        self.entries = self._tokenizer.get_vocab_size()
        if self.entries > capacity:
            raise UsageError(
                f"The tokenizer has {self.entries} entries, the model only {capacity} word vectors."
            )
        self.separator: int | None = self._tokenizer.token_to_id("[SEP]")
        self._padding = int(self._tokenizer.token_to_id("[PAD]"))
        self._tokenizer.enable_truncation(max_length=length)
        self._tokenizer.no_padding()

    def continuations(self) -> Tensor:
        """(capacity,) bool: which ids continue a word (`##ing`)."""
        flags = torch.zeros(self.capacity, dtype=torch.bool)
        for piece, number in self._tokenizer.get_vocab().items():
            flags[number] = piece.startswith("##")
        return flags

    def __call__(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Ids and attention mask, (T, L) int64; L is the longest of these texts."""
        encodings = self._tokenizer.encode_batch(list(texts))
        lengths = [len(encoding.ids) for encoding in encodings]
        ids = torch.full((len(texts), max(lengths, default=1)), self._padding, dtype=torch.int64)
        for row, encoding in enumerate(encodings):
            ids[row, : lengths[row]] = torch.tensor(encoding.ids)
        mask = torch.arange(ids.shape[1])[None] < torch.tensor(lengths, dtype=torch.int64)[:, None]
        return ids, mask.long()


def report_tokenizer(
    tokenizer_json: str, length: int, capacity: int
) -> ReportTokenizer | BertTokenizer:
    """The tokenizer that a JSON describes: a published BERT's closes a text with `[SEP]`.

    Raises:
        BadDataError: The JSON cannot be read.
        UsageError: It has more entries than the model has word vectors.
    """
    try:
        closes = json.loads(tokenizer_json).get("post_processor") is not None
    except (ValueError, AttributeError) as error:
        raise BadDataError(f"The tokenizer's JSON cannot be read: {error}.") from error
    kind = BertTokenizer if closes else ReportTokenizer
    return kind(tokenizer_json, length, capacity)
