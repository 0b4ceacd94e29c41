"""Parts of LoVT: attention pooling, heads, cross attention, and the sentences of reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from baselines.encoders.wordpiece import ReportTokenizer


class MeanQueryPool(nn.Module):
    """Regions or sentences to one vector: their mean looks at them with several heads.

    Args:
        width: Of the vectors.
        heads: Number of heads; their widths sum to `width`.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.output = (nn.Linear(width, width) for _ in range(4))
        for layer in (self.query, self.key, self.value, self.output):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, vectors: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """(B, D) pooled vectors and (B, N) weights, mean over the heads.

        Args:
            vectors: (B, N, D).
            present: (B, N) bool, False = padding.
        """
        real = present[:, :, None].to(vectors.dtype)
        mean = (vectors * real).sum(dim=1, keepdim=True) / real.sum(dim=1, keepdim=True)
        parts = self.query(mean), self.key(vectors), self.value(vectors)
        query, key, value = (part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in parts)
        scores = (query @ key.transpose(2, 3)).float() / query.shape[-1] ** 0.5
        weights = scores.masked_fill(~present[:, None, None, :], -torch.inf).softmax(dim=-1)
        joined = (weights.to(value) @ value).transpose(1, 2).flatten(1)
        return self.output(joined), weights.mean(dim=1)[:, 0]

    def alone(self, vectors: Tensor) -> Tensor:
        """(..., D) the pooled vector if the weight lay on one vector alone, for each of them."""
        pooled: Tensor = self.output(self.value(vectors))
        return pooled


class SymmetricCrossAttention(nn.Module):
    """Contexts of both sides from each other, with the same key, value and output layers.

    Queries are the keys. Dot products are divided by the root of the width; a BatchNorm that both
    sides share comes last.

    Args:
        width: Of both sides' vectors.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.key, self.value, self.output = (_linear(width, width) for _ in range(3))
        self.norm = nn.BatchNorm1d(width)

    def forward(self, regions: Tensor, sentences: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """(B, N, D) contexts of regions and (B, S, D) contexts of sentences, zero for padding.

        Args:
            regions: (B, N, D).
            sentences: (B, S, D).
            present: (B, S) bool, False = padding.
        """
        scores = self.key(regions) @ self.key(sentences).transpose(1, 2)
        scores = scores.float() / regions.shape[-1] ** 0.5
        said = scores.masked_fill(~present[:, None, :], -torch.inf).softmax(dim=2)
        shown = scores.transpose(1, 2).softmax(dim=2)
        for_regions = self.output(said.to(regions) @ self.value(sentences))
        for_sentences = self.output(shown.to(regions) @ self.value(regions))
        everywhere = torch.ones_like(for_regions[:, :, 0], dtype=torch.bool)
        return (
            only_present(self.norm, for_regions, everywhere),
            only_present(self.norm, for_sentences, present),
        )


@dataclass(frozen=True)
class Sentences:
    """R reports as tokens, and where their sentences lie.

    Attributes:
        ids: (R, L), `[CLS]` first, 0 = padding.
        attention: (R, L), 1 = a piece.
        pieces: (n, P) of each sentence, indices into all R * L tokens; -1 = none.
        report: (n,) report of each sentence.
        slot: (n,) its place among the sentences of its report.
    """

    ids: Tensor
    attention: Tensor
    pieces: Tensor
    report: Tensor
    slot: Tensor


def sentences_of(
    reports: Sequence[Sequence[str]], tokenizer: ReportTokenizer, length: int
) -> Sentences:
    """Tokens of whole reports; what is beyond `length` is cut.

    A report without a sentence has its `[CLS]` as the only one.

    Args:
        reports: Sentences of each report.
        tokenizer: Puts `[CLS]` before each text, which is taken away but for the first.
        length: Most tokens of a report.
    """
    flat, mask = tokenizer([f"{part}." for parts in reports for part in parts] or [""])
    tokens = iter([row[1 : int(count)] for row, count in zip(flat.tolist(), mask.sum(dim=1))])
    first = int(flat[0, 0])
    rows: list[list[int]] = []
    found: list[tuple[int, int, range]] = []
    for report, parts in enumerate(reports):
        row, kept = [first], []
        for piece_ids in [next(tokens) for _ in parts]:
            start = len(row)
            row += piece_ids[: length - start]
            if len(row) > start:
                kept.append(range(start, len(row)))
        rows.append(row)
        found += [(report, slot, part) for slot, part in enumerate(kept or [range(1)])]
    longest = max(len(row) for row in rows)
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
    attention = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    widest = max(len(part) for _, _, part in found)
    pieces = torch.full((len(found), widest), -1)
    for index, (report, _, part) in enumerate(found):
        pieces[index, : len(part)] = torch.arange(part.start, part.stop) + report * longest
    places = torch.tensor([[report, slot] for report, slot, _ in found])
    return Sentences(ids, attention, pieces, places[:, 0], places[:, 1])


def projection(width: int, hidden: int, out: int) -> nn.Sequential:
    """Linear, BatchNorm, ReLU, Linear."""
    return nn.Sequential(
        _linear(width, hidden, "relu"),
        nn.BatchNorm1d(hidden),
        nn.ReLU(inplace=True),
        _linear(hidden, out),
    )


def only_present(head: nn.Module, vectors: Tensor, present: Tensor) -> Tensor:
    """Apply a head of vectors to (B, N, D) where there are some; the rest becomes zero.

    Padding is thus no part of a BatchNorm's statistics.

    Args:
        head: (n, D) to (n, E).
        vectors: (B, N, D).
        present: (B, N) bool.
    """
    rows: Tensor = head(vectors[present])
    return padded(rows, present)


def padded(rows: Tensor, present: Tensor) -> Tensor:
    """(B, N, D) with (n, D) rows where `present` (B, N), in its order, and zeros elsewhere."""
    empty = rows.new_zeros(*present.shape, rows.shape[1])
    return empty.index_put((present,), rows)


def _linear(width: int, out: int, before: str = "linear") -> nn.Linear:
    """With the official start values."""
    layer = nn.Linear(width, out)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity=before)  # type: ignore[arg-type]
    nn.init.zeros_(layer.bias)
    return layer
