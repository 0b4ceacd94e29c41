"""Words hidden as wholes, and the losses of restoring them.

Zhou et al., "Advancing radiograph representation learning with masked record modeling", ICLR
2023, hides half of a report's words, each always by the mask token; Chen et al., "Multi-modal
masked autoencoders for medical vision-and-language pre-training", MICCAI 2022, 15 % in BERT's way.
In both the pieces of one word share their fate.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from baselines.objectives.masked_language import MASKED, REPLACED

Positions = Literal["masked", "all"]


def pick_words(
    ids: Tensor,
    attention_mask: Tensor,
    continues: Tensor,
    draws: Tensor,
    chosen: float,
    *,
    whole_words: bool = True,
    stop: int | None = None,
) -> Tensor:
    """Which tokens are hidden.

    The n-th word of a text takes the n-th draw of its row, as in MRM's code, where a word starts
    at every piece that does not continue one.

    Args:
        ids: (T, L); the first token of each text is never chosen, nor are pieces that continue it.
        attention_mask: (T, L), 0 = padding, never chosen.
        continues: (vocabulary,) bool, which ids continue a word.
        draws: (T, L) uniform in [0, 1).
        chosen: Share of the words.
        whole_words: Off: every piece is drawn on its own.
        stop: Positions from here on are not chosen. MRM's code spares the last of its 100.

    Returns:
        (T, L) bool. Where no word of the batch was drawn, the first of the longest text is taken,
        so that the loss is defined.
    """
    starts = ~continues[ids] if whole_words else torch.ones_like(ids, dtype=torch.bool)
    starts[:, 0] = False
    word = starts.cumsum(dim=1) - 1
    free = attention_mask.bool() & (word >= 0)
    if stop is not None:
        free[:, stop:] = False
    picked = (draws.gather(1, word.clamp(min=0)) < chosen) & free
    if not picked.any():
        longest = int(free.sum(dim=1).argmax())
        picked[longest] = free[longest] & (word[longest] == 0)
    return picked


def bert_replacement(
    ids: Tensor, picked: Tensor, draws: Tensor, words: Tensor, mask_id: int
) -> Tensor:
    """Ids with the picked tokens replaced: 80 % by the mask token, 10 % by `words`, 10 % not.

    Args:
        ids: (T, L).
        picked: (T, L) bool.
        draws: (T, L) uniform in [0, 1).
        words: (T, L) random ids.
        mask_id: Of the mask token.
    """
    hidden = torch.where(picked & (draws < MASKED), mask_id, ids)
    return torch.where(picked & (draws >= 1 - REPLACED), words, hidden)


def scored_positions(picked: Tensor, positions: Positions) -> Tensor:
    """(T, L) bool: where the words are to be named.

    `masked` are the hidden tokens alone, as MRM's paper has it. `all` is every position, padding
    and visible words included, as its code has it: there most of the loss of a short report comes
    from padding.
    """
    return picked if positions == "masked" else torch.ones_like(picked)


def word_loss(scores: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy of scores (n, vocabulary) against ids (n,), in float32; 0 where n = 0."""
    if not len(labels):
        return scores.float().sum()
    return nn.functional.cross_entropy(scores.float(), labels)


def padded(ids: Tensor, length: int) -> Tensor:
    """Ids (T, L) or their attention mask with zeros up to `length` columns."""
    return nn.functional.pad(ids, (0, length - ids.shape[1]))
