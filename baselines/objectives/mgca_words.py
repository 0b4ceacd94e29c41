"""Word vectors and word weights of MGCA, from word pieces and their attention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

WORD_ATTENTION = ("aligned", "official")


@dataclass(frozen=True)
class Words:
    """Words of T texts; the first token (`[CLS]`) is not among them.

    Attributes:
        vectors: (T, slots - 1, D), zero beyond the last word.
        attention: (T, slots - 1), zero beyond the last word.
        padding: (T, slots - 1), True = no word there.
    """

    vectors: Tensor
    attention: Tensor
    padding: Tensor


def words_of(
    states: Tensor,
    attention: Tensor,
    present: Tensor,
    continues: Tensor,
    slots: int,
    form: str = "aligned",
) -> Words:
    """Sum the pieces of each word, and the attention paid to them.

    The official code has two faults, which `form="official"` keeps: every piece reads the
    attention of the piece after it, and a text that fills all slots loses its last word, since
    its loop ends one token early and a word is stored only when the next one begins.

    Args:
        states: (T, L, D), the last layer.
        attention: (T, L), what the first token pays to each token, mean over heads.
        present: (T, L), True = a token, False = padding; tokens stand before padding.
        continues: (T, L), True where a piece continues the word before it.
        slots: Tokens that a text can have; L at least.
        form: `aligned` or `official`.
    """
    index = (present & ~continues).cumsum(dim=1) - 1
    kept = present
    if form == "official":
        beyond = torch.zeros_like(attention[:, :1])
        attention = torch.cat([attention[:, 1:], beyond], dim=1)
        if present.shape[1] == slots:
            full = present.all(dim=1, keepdim=True)
            kept = present & ~(full & (index >= index[:, slots - 2 : slots - 1]))
    places = torch.arange(slots, device=states.device)
    # A product with a membership matrix: sums on a GPU in the same order every time.
    member = (index[:, None, :] == places[None, :, None]) & kept[:, None, :]
    belongs = member.to(states.dtype)
    vectors = belongs @ states
    sums = (belongs @ attention.to(states.dtype)[:, :, None])[:, :, 0]
    return Words(vectors[:, 1:], sums[:, 1:], ~member.any(dim=2)[:, 1:])
