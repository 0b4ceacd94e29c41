"""Contrast of a student's vectors with a teacher's, against a queue of older ones.

MoCo (He et al., CVPR 2020) and C2L (Zhou et al., MICCAI 2020). All rows are L2-normalised first;
logits are cosines over the temperature.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

EPSILON = 1e-7
"""Of the official NCE code; keeps quotients of two small numbers finite."""


def queue_logits(student: Tensor, teacher: Tensor, queue: Tensor, temperature: float) -> Tensor:
    """(B, 1 + K): the cosine with the own teacher vector, then with the queue.

    Args:
        student: (B, D).
        teacher: (B, D); no gradient flows into it.
        queue: (K, D), as it stands, not normalised again.
        temperature: Divides the cosines.
    """
    normalise = nn.functional.normalize
    student, teacher = normalise(student.float()), normalise(teacher.detach().float())
    positive = (student * teacher).sum(dim=1, keepdim=True)
    return torch.cat([positive, student @ queue.detach().float().T], dim=1) / temperature


def softmax_contrast(logits: Tensor) -> Tensor:
    """Mean cross-entropy with the first column as the right one: InfoNCE."""
    return (torch.logsumexp(logits, dim=1) - logits[:, 0]).mean()


def noise_contrast(logits: Tensor, mean: Tensor) -> Tensor:
    """Binary noise-contrastive estimation, as the C2L and CMC codes do by default.

    exp(logit) over Z is taken as the probability of a pair, with Z fixed at the first batch to
    the number of images times the mean of exp(logit); noise has one over the number of images.
    That number cancels, so only the mean is asked for.

    Args:
        logits: (B, 1 + K).
        mean: Scalar, mean of exp(logit) when training began.
    """
    negatives = logits.shape[1] - 1
    ratio = torch.exp(logits) / mean
    is_pair = ratio / (ratio + negatives + EPSILON)
    is_noise = negatives / (ratio + negatives + EPSILON)
    found = torch.log(is_pair[:, 0]) + torch.log(is_noise[:, 1:]).sum(dim=1)
    return -found.mean()


def mixed(values: Tensor, order: Tensor, share: Tensor) -> Tensor:
    """Each row blended with another one: share x itself + (1 - share) x row `order`."""
    return share * values + (1 - share) * values[order]


def mixing(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Partners (count,) and one share for the whole batch, from 0.5 to 1.

    The share is that of mixup with alpha 1, which is uniform, the larger part to the row itself.
    """
    order = torch.randperm(count, generator=generator)
    draw = torch.rand((), generator=generator)
    return order, torch.maximum(draw, 1 - draw)
