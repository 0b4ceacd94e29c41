"""MaCo's correlation weighting: which patches are visible decides how much a pair counts.

A linear layer scores the visibility map of an image, s = w . p (+ b). The three published forms
differ in what they do with it.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from baselines.objectives.contrast import row_losses

Direction = Literal["image_to_text", "both"]
Reduction = Literal["sum", "mean", "group_mean"]


def scaled_terms(logits: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Mean InfoNCE with row i of either direction multiplied by the weight of image i.

    The paper does not spell out the text-to-image direction; the official code scales row i
    (text i against all images) by the weight of image i, and so does this.
    """
    rows = weights[:, None]
    return row_losses(rows * logits).mean(), row_losses(rows * logits.T).mean()


def paper_loss(logits: Tensor, scores: Tensor) -> Tensor:
    """Final form: InfoNCE(W . <v, t>) + sg(W) . InfoNCE(<v, t>), W = softplus(scores).

    MaCo, Nature Communications 2024, equations 3 to 5; InfoNCE is the mean of both directions,
    the weighted one a plain mean over the batch.

    Args:
        logits: (B, B) cosines times inverse temperature, images as rows.
        scores: (B,) outputs of the scoring layer.
    """
    weights = nn.functional.softplus(scores)
    fixed = weights.detach()
    scaled = sum(scaled_terms(logits, weights))
    weighted = (fixed * (row_losses(logits) + row_losses(logits.T))).mean()
    return (scaled + weighted) / 2


def official_terms(logits: Tensor, scores: Tensor) -> Tensor:
    """The four terms of the official code: two scaled, two weighted by sg(softplus(scores)).

    The weighted ones are class-weighted cross-entropies, so the weights are divided by their sum.

    Returns:
        (4,): scaled image rows, scaled text rows, weighted image rows, weighted text rows.
    """
    weights = nn.functional.softplus(scores)
    share = weights.detach() / weights.detach().sum()
    weighted = [(share * row_losses(rows)).sum() for rows in (logits, logits.T)]
    return torch.stack([*scaled_terms(logits, weights), *weighted])


def official_loss(logits: Tensor, scores: Tensor) -> Tensor:
    """A quarter of the sum of `official_terms`."""
    return official_terms(logits, scores).mean()


def v1_weights(scores: Tensor, group: int, tau1: float, tau2: float) -> tuple[Tensor, Tensor, int]:
    """Weights of the preprint's equation 2, softmax taken within groups of consecutive samples.

    Args:
        scores: (B,).
        group: D, samples a softmax; the last group holds what is left.
        tau1: Temperature of the softmax in w_t.
        tau2: Temperature of the softmax w_l.

    Returns:
        w_t (B,) in (1, e), which divides the logits; w_l (B,) without gradient, which weighs
        the loss; the number of groups.
    """
    parts = torch.split(scores.float(), group)
    tempering = torch.cat([torch.softmax(part / tau1, dim=0) for part in parts]).exp()
    weighing = torch.cat([torch.softmax(part / tau2, dim=0) for part in parts])
    return tempering, weighing.detach(), len(parts)


def v1_per_sample(logits: Tensor, tempering: Tensor, weighing: Tensor) -> Tensor:
    """(B,) terms of the preprint's equation 3; a larger score flattens the softmax."""
    return weighing * row_losses(logits / tempering[:, None])


def v1_loss(
    logits: Tensor,
    scores: Tensor,
    *,
    group: int = 16,
    tau1: float = 1.0,
    tau2: float = 16.0,
    direction: Direction = "image_to_text",
    reduction: Reduction = "group_mean",
) -> Tensor:
    """The preprint's weighted alignment (arXiv 2309.05904 v1, equations 2 and 3).

    Args:
        logits: (B, B) cosines / tau_3, images as rows.
        scores: (B,) outputs of the scoring layer.
        group: D of equation 2.
        tau1: Temperature in w_t.
        tau2: Temperature in w_l.
        direction: Equation 3 prints image to text only; `both` averages with its transpose, under
            the weights of image i.
        reduction: The preprint does not say. Weights sum to 1 within a group, so `group_mean`
            (the sum over a group, averaged over groups) keeps the scale of InfoNCE for any
            batch; `sum` and `mean` run over the samples.
    """
    tempering, weighing, groups = v1_weights(scores, group, tau1, tau2)
    terms = v1_per_sample(logits, tempering, weighing)
    if direction == "both":
        terms = (terms + v1_per_sample(logits.T, tempering, weighing)) / 2
    divisor = {"sum": 1, "mean": len(terms), "group_mean": groups}[reduction]
    return terms.sum() / divisor
