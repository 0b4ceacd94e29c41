"""Masked language modelling: restore words that were taken out of a report.

Devlin et al., "BERT", NAACL 2019: 15 % of the tokens are chosen; of these 80 % become the mask
token, 10 % a random one, 10 % stay. Chosen anew for each batch, as later work does.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

CHOSEN, MASKED, REPLACED = 0.15, 0.8, 0.1


def hide_tokens(
    ids: Tensor,
    attention_mask: Tensor,
    generator: torch.Generator,
    *,
    mask_id: int,
    first_word: int,
    entries: int,
    chosen: float = CHOSEN,
) -> tuple[Tensor, Tensor]:
    """Ids with some tokens hidden, and which are to be restored.

    Args:
        ids: (T, L); the first token of each text is never chosen.
        attention_mask: (T, L), 0 = padding, never chosen.
        generator: CPU generator.
        mask_id: Of the mask token.
        first_word: Random replacements are drawn from this id on.
        entries: Number of entries of the tokenizer.
        chosen: Share of the tokens.

    Returns:
        (T, L) ids, (T, L) bool. Where no token of the batch was drawn, the second of the longest
        text is taken, so that the loss is defined.
    """
    draws = torch.rand(2, *ids.shape, generator=generator)
    words = torch.randint(first_word, max(entries, first_word + 1), ids.shape, generator=generator)
    draws, words = draws.to(ids.device), words.to(ids.device)
    picked = (draws[0] < chosen) & attention_mask.bool()
    picked[:, 0] = False
    if not picked.any() and ids.shape[1] > 1:
        picked[attention_mask.sum(dim=1).argmax(), 1] = True
    hidden = torch.where(picked & (draws[1] < MASKED), mask_id, ids)
    return torch.where(picked & (draws[1] >= 1 - REPLACED), words, hidden), picked


class LanguageHead(nn.Module):
    """Scores of all words from token states, with the word vectors as output layer.

    Args:
        width: Of the token states.
        vocabulary: Rows of the word vectors.
    """

    def __init__(self, width: int, vocabulary: int) -> None:
        super().__init__()
        self.dense = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width, eps=1e-12)
        self.bias = nn.Parameter(torch.zeros(vocabulary))

    def forward(self, states: Tensor, words: Tensor) -> Tensor:
        """(n, vocabulary) scores of states (n, width) with word vectors (vocabulary, width)."""
        hidden = self.norm(nn.functional.gelu(self.dense(states)))
        return hidden @ words.T + self.bias
