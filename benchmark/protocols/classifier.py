"""A trunk with a linear head, and the losses that heads are trained with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from benchmark.recipes import Target

HEAD_STD = 2e-5


def make_head(width: int, classes: int, seed: int) -> nn.Linear:
    """A linear head, started from a truncated normal of std 2e-5 and zero biases."""
    head = nn.Linear(width, classes)
    generator = torch.Generator().manual_seed(seed)
    nn.init.trunc_normal_(head.weight, std=HEAD_STD, generator=generator)
    nn.init.zeros_(head.bias)
    return head


class LinearClassifier(nn.Module):
    """Trunk and linear head."""

    def __init__(self, trunk: nn.Module, width: int, classes: int, seed: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = make_head(width, classes, seed)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 1, S, S) to logits (B, k)."""
        logits: Tensor = self.head(self.trunk(images))
        return logits


@dataclass(frozen=True)
class HeadLoss:
    """The loss of a target.

    Attributes:
        target: `multi_label` or `one_of_many`.
        weight: (k,) factor on the positives' terms, or on the images of a class; None is 1.
    """

    target: Target
    weight: Tensor | None = None

    @classmethod
    def of(cls, target: Target, truth: np.ndarray, weighted: bool) -> HeadLoss:
        """The loss for training labels (n, k), weighed by their frequencies where asked."""
        if not weighted:
            return cls(target)
        weigh = positive_weights if target == "multi_label" else inverse_frequencies
        return cls(target, torch.from_numpy(weigh(truth)).float())

    def to(self, device: str) -> HeadLoss:
        """The same with its weights on a device."""
        return HeadLoss(self.target, None if self.weight is None else self.weight.to(device))

    def __call__(self, logits: Tensor, truth: Tensor) -> Tensor:
        """Mean loss of logits (B, k) for truth (B, k), NaN for unknown."""
        if self.target == "multi_label":
            return masked_loss(logits, truth, self.weight)
        return one_of_many_loss(logits, truth, self.weight)


def masked_loss(logits: Tensor, truth: Tensor, positive_weight: Tensor | None = None) -> Tensor:
    """Binary cross-entropy, mean over the known labels; 0 where none is known.

    Args:
        logits: (B, k).
        truth: (B, k), NaN for unknown.
        positive_weight: (k,) factor on the positives' terms.
    """
    known = ~torch.isnan(truth)
    terms = functional.binary_cross_entropy_with_logits(
        logits.float(), torch.nan_to_num(truth), pos_weight=positive_weight, reduction="none"
    )
    return (terms * known).sum() / known.sum().clamp(min=1)


def one_of_many_loss(logits: Tensor, truth: Tensor, class_weight: Tensor | None = None) -> Tensor:
    """Cross-entropy, mean over the images with exactly one positive class; 0 where none has.

    Args:
        logits: (B, k).
        truth: (B, k), NaN for unknown.
        class_weight: (k,) factor on the images of a class; the mean is a weighted one then.
    """
    positive = torch.nan_to_num(truth) == 1
    usable = (positive.sum(dim=1) == 1).float()
    classes = positive.int().argmax(dim=1)
    terms = functional.cross_entropy(logits.float(), classes, reduction="none")
    if class_weight is not None:
        usable = usable * class_weight[classes]
    total: Tensor = (terms * usable).sum() / usable.sum().clamp(min=torch.finfo(torch.float32).tiny)
    return total


def probabilities(logits: Tensor, target: Target) -> Tensor:
    """Scores (B, k) in float32: a sigmoid per class, or a softmax over the classes."""
    if target == "multi_label":
        return torch.sigmoid(logits.float())
    return torch.softmax(logits.float(), dim=1)


def positive_weights(truth: np.ndarray) -> np.ndarray:
    """Negatives by positives of each class of the training subset, (k,); 1 without positives."""
    positives, negatives = (truth == 1).sum(axis=0), (truth == 0).sum(axis=0)
    return np.where(positives > 0, negatives / np.maximum(positives, 1), 1.0)


def inverse_frequencies(truth: np.ndarray) -> np.ndarray:
    """Images by k times the positives of each class, (k,); 1 without positives."""
    positives = (truth == 1).sum(axis=0)
    share = positives.sum() / (truth.shape[1] * np.maximum(positives, 1))
    return np.where(positives > 0, share, 1.0)
