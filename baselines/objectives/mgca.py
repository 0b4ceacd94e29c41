"""The three losses of MGCA (Wang et al., NeurIPS 2022): instances, tokens and prototypes.

`B` samples, `N` tokens of one side (words or patches), `M` of the other, `D` shared width. All
token vectors come L2-normalised. Where the paper and the official code (HKU-MedAI/MGCA) differ, a
named switch has both forms; that the paper halves its sums is known from memory alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from baselines.objectives.contrast import row_losses
from baselines.objectives.sinkhorn import sinkhorn_codes

if TYPE_CHECKING:
    from torch import Tensor

TOKEN_TEMPERATURE = 0.1
LOWEST, HIGHEST = 0.1, 0.9
"""Quantiles to which attention is cut before it weights tokens."""


def instance_loss(logits: Tensor, halved: bool = True) -> Tensor:
    """Contrast of whole images with whole reports, both ways.

    Args:
        logits: (B, B) cosines over the temperature, images as rows.
        halved: The mean of both directions (paper); the official code has their sum.
    """
    both = row_losses(logits).mean() + row_losses(logits.T).mean()
    return both / 2 if halved else both


def clipped_weights(attention: Tensor) -> Tensor:
    """Attention cut to its 10 to 90 % quantiles, then scaled to sum 1 per sample.

    Zeros (padding) take no part in the quantiles and stay zero. A sample of zeros alone, such as
    an empty report, has no weights: its loss is 0.

    Args:
        attention: (B, N), not negative.

    Returns:
        (B, N) without gradient.
    """
    values = attention.detach().float()
    present = values > 0
    known = values.masked_fill(~present, float("nan"))
    low = torch.nanquantile(known, LOWEST, dim=1, keepdim=True)
    high = torch.nanquantile(known, HIGHEST, dim=1, keepdim=True)
    cut = torch.where(present, torch.minimum(torch.maximum(values, low), high), 0.0)
    return cut / cut.sum(dim=1, keepdim=True).clamp_min(torch.finfo(cut.dtype).tiny)


def attention_over(scores: Tensor, padding: Tensor | None = None) -> Tensor:
    """Softmax over the other side's tokens, without those that are padding.

    Args:
        scores: (B, N, M).
        padding: (B, M), True = no token there. Where a sample has padding alone, the attention
            is even instead of undefined.
    """
    if padding is not None:
        scores = scores.masked_fill(padding[:, None, :], torch.finfo(scores.dtype).min)
    return scores.softmax(dim=-1)


def token_loss(
    tokens: Tensor,
    contexts: Tensor,
    weights: Tensor,
    temperature: float = TOKEN_TEMPERATURE,
    left_out: Tensor | None = None,
) -> Tensor:
    """Contrast of each token with its own context, against the others of the same sample.

    Args:
        tokens: (B, N, D).
        contexts: (B, N, D), what each token's attention found on the other side.
        weights: (B, N), summing to 1 per sample.
        temperature: Of the softmax.
        left_out: (B, N), True = takes no part. None leaves padding among the negatives, as the
            official code does (its weight is zero, so that it is never a positive).

    Returns:
        Mean over both directions, averaged over samples.
    """
    logits = tokens @ contexts.transpose(1, 2) / temperature
    if left_out is not None:
        absent = left_out[:, None, :] | left_out[:, :, None]
        logits = logits.masked_fill(absent, torch.finfo(logits.dtype).min)
    own = logits.diagonal(dim1=1, dim2=2)
    both = (logits.logsumexp(dim=2) - own) + (logits.logsumexp(dim=1) - own)
    return (weights * both).sum() / (2 * len(tokens))


def prototype_loss(
    image_scores: Tensor,
    report_scores: Tensor,
    temperature: float = 0.2,
    epsilon: float = 0.05,
    iterations: int = 3,
) -> Tensor:
    """Each side predicts the other side's balanced assignment to prototypes.

    Args:
        image_scores: (B, K) cosines of images with prototypes.
        report_scores: (B, K) of their reports.
        temperature: Of the predictions.
        epsilon: See `sinkhorn_codes`.
        iterations: See `sinkhorn_codes`.
    """
    image_codes = sinkhorn_codes(image_scores, epsilon, iterations)
    report_codes = sinkhorn_codes(report_scores, epsilon, iterations)
    from_image = -(report_codes * (image_scores / temperature).log_softmax(dim=1)).sum(dim=1)
    from_report = -(image_codes * (report_scores / temperature).log_softmax(dim=1)).sum(dim=1)
    return (from_image.mean() + from_report.mean()) / 2
