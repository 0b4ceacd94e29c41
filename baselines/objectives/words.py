"""Words from word pieces, as GLoRIA makes them; MGCA's form stands in `mgca_words`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


def gloria_words(
    states: Tensor, present: Tensor, continues: Tensor, slots: int, layers: int = 4
) -> tuple[Tensor, Tensor]:
    """Sum the last layers, then the pieces of each word.

    Marks such as `[CLS]` are words of their own.

    Args:
        states: (K, T, L, D), states of K layers, the last one last.
        present: (T, L) bool, True = a piece, False = padding; pieces stand before padding.
        continues: (T, L) bool, True where a piece continues the word before it.
        slots: Words a text has room for; at least as many as it has pieces.
        layers: How many of the last layers are summed; all where there are fewer.

    Returns:
        Words (T, slots, D) float32, zero beyond the last one; their number (T,).
    """
    summed = states[-layers:].float().sum(dim=0)
    starts = present & ~continues
    index = starts.cumsum(dim=1) - 1
    places = torch.arange(slots, device=states.device)
    # A product with a membership matrix: sums on a GPU in the same order every time.
    member = (index[:, None, :] == places[None, :, None]) & present[:, None, :]
    return member.to(summed.dtype) @ summed, starts.sum(dim=1)
