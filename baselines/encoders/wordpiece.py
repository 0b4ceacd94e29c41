"""The WordPiece tokenizer of MRM and MaCo: trained on reports, or read from its JSON."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from torch import Tensor

from benchmark.errors import BadDataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[MASK]")
"""Ids 0 to 3, as in the official `mimic_wordpiece.json`; there is no `[SEP]`."""


def _empty_tokenizer(vocabulary: dict[str, int] | None = None) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(vocab=vocabulary or {}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Lowercase(), normalizers.NFKD(), normalizers.StripAccents()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Whitespace(), pre_tokenizers.Digits(individual_digits=False)]
    )
    return tokenizer


def train_wordpiece(texts: Iterable[str], vocabulary: int) -> str:
    """Train on reports and return the tokenizer's JSON; equal texts give equal bytes.

    The trainer numbers single characters in the order of a hash table, which differs from process
    to process and decides ties between merges. Handing it the sorted characters first fixes both.

    Args:
        texts: Reports, read once.
        vocabulary: Largest number of entries.
    """
    rules = _empty_tokenizer()
    counts: Counter[str] = Counter()
    for text in texts:
        pieces = rules.pre_tokenizer.pre_tokenize_str(rules.normalizer.normalize_str(text))
        counts.update(word for word, _ in pieces)
    if not counts:
        raise BadDataError("The pre-training corpus has no words to train a tokenizer on.")
    words = sorted(counts)
    first = sorted({word[0] for word in words})
    inner = sorted({f"##{letter}" for word in words for letter in word[1:]})
    fixed = [*SPECIAL_TOKENS, *first, *inner]
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocabulary, special_tokens=fixed, show_progress=False
    )
    rules.train_from_iterator((" ".join([word] * counts[word]) for word in words), trainer)
    ranked = sorted(rules.get_vocab().items(), key=lambda item: item[1])[:vocabulary]
    final = _empty_tokenizer({piece: rank for rank, (piece, _) in enumerate(ranked)})
    final.add_special_tokens(list(SPECIAL_TOKENS))
    return str(final.to_str())


class ReportTokenizer:
    """Texts to padded id tensors: `[CLS] ` is put in front, nothing behind.

    Args:
        tokenizer_json: From `train_wordpiece`, or the official file's content.
        length: Longer texts are cut to this many ids, `[CLS]` included.
        capacity: Rows of the embedding table.
    """

    separator: int | None = None
    """Id that closes a text: none here."""

    def __init__(self, tokenizer_json: str, length: int, capacity: int) -> None:
        self.json = tokenizer_json
        self.capacity = capacity
        try:
            self._tokenizer = Tokenizer.from_str(tokenizer_json)
        except Exception as error:  # the library raises plain Exception
            raise BadDataError(f"The tokenizer's JSON cannot be read: {error}.") from error
        ids = [self._tokenizer.token_to_id(token) for token in SPECIAL_TOKENS]
        if ids != [0, 1, 2, 3]:
            raise BadDataError(
                f"The tokenizer gives {', '.join(SPECIAL_TOKENS)} the ids {ids}, not 0, 1, 2, 3."
            )
        self.entries = self._tokenizer.get_vocab_size()
        if self.entries > capacity:
            raise UsageError(
                f"The tokenizer has {self.entries} entries, the model only {capacity} word vectors."
            )
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
        encodings = self._tokenizer.encode_batch([f"[CLS] {text}" for text in texts])
        lengths = [len(encoding.ids) for encoding in encodings]
        ids = torch.zeros(len(texts), max(lengths, default=1), dtype=torch.int64)
        for row, encoding in enumerate(encodings):
            ids[row, : lengths[row]] = torch.tensor(encoding.ids)
        mask = torch.arange(ids.shape[1])[None] < torch.tensor(lengths, dtype=torch.int64)[:, None]
        return ids, mask.long()
