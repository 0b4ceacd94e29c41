"""GLoRIA's similarities and losses: images with reports, and regions with words.

Huang et al., "GLoRIA: A Multimodal Global-Local Representation Learning Framework for
Label-efficient Medical Image Recognition", ICCV 2021, and its code (marshuang80/gloria). Where the
two differ, `form` names which is meant. `code`: attention is a softmax over the words, times a
temperature, then a softmax over the regions, and a report's score is the plain logarithm of a sum.
`paper`: one softmax over the regions, and the logarithm divided by its temperature.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from baselines.objectives.contrast import cosine_logits, row_losses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

FORMS = ("code", "paper")
POOLINGS = ("sum", "mean", "max")


def region_attention(
    regions: Tensor, words: Tensor, temperature: float = 4.0, form: str = "code"
) -> Tensor:
    """(B, N, W) weights of the regions for each word; they sum to 1 over the regions.

    Args:
        regions: (B, N, D), not normalised.
        words: (W, D), not normalised.
        temperature: Factor before the softmax over regions (`temp1` in the code).
        form: See the module.
    """
    scores = regions @ words.T
    if form == "code":
        scores = scores.softmax(dim=2)
    return (temperature * scores).softmax(dim=1)


def word_similarities(
    regions: Tensor, words: Tensor, temperature: float = 4.0, form: str = "code"
) -> Tensor:
    """(B, W) cosines of each word with the regions that it attends to.

    Args:
        regions: (B, N, D).
        words: (W, D).
        temperature: See `region_attention`.
        form: See the module.
    """
    attention = region_attention(regions, words, temperature, form)
    contexts = attention.transpose(1, 2) @ regions
    return functional.cosine_similarity(contexts, words[None], dim=2)


def local_similarities(
    regions: Tensor,
    words: Tensor,
    counts: Sequence[int],
    *,
    first: int = 0,
    attention_temperature: float = 4.0,
    word_temperature: float = 5.0,
    pooling: str = "sum",
    form: str = "code",
) -> Tensor:
    """(B, T) similarities of B images and T texts by their regions and words.

    One text after the other, since texts have different numbers of words.

    Args:
        regions: (B, N, D).
        words: (T, W, D), zero or anything else beyond a text's last word.
        counts: Index after each text's last word, at least `first` + 1.
        first: Index of the first word that counts; 1 leaves `[CLS]` out.
        attention_temperature: `temp1` in the code.
        word_temperature: Factor on the cosines before their exponential (`temp2`).
        pooling: Over the words: `sum` or `mean` of the exponentials, or their `max`.
        form: See the module.
    """
    columns = []
    for text, count in enumerate(counts):
        own = words[text, first:count]
        scores = word_temperature * word_similarities(regions, own, attention_temperature, form)
        if pooling == "max":
            column = scores.amax(dim=1)
        else:
            column = torch.logsumexp(scores, dim=1)
            if pooling == "mean":
                column = column - torch.log(column.new_tensor(float(len(own))))
        columns.append(column / word_temperature if form == "paper" else column)
    return torch.stack(columns, dim=1)


def symmetric_loss(similarities: Tensor, temperature: float = 10.0) -> Tensor:
    """The sum of the mean cross-entropies over rows and over columns.

    Args:
        similarities: (B, B), images are rows.
        temperature: Factor on the similarities (`temp3` in the code).
    """
    logits = temperature * similarities
    return row_losses(logits).mean() + row_losses(logits.T).mean()


def global_similarities(images: Tensor, texts: Tensor) -> Tensor:
    """(B, T) cosines of whole images (B, D) and whole texts (T, D)."""
    return cosine_logits(images, texts, 1.0)
