"""A trunk with a linear head, and the loss that it is fine-tuned with."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

HEAD_STD = 2e-5


class LinearClassifier(nn.Module):
    """Trunk and linear head; the head starts from a truncated normal of std 2e-5."""

    def __init__(self, trunk: nn.Module, width: int, classes: int, seed: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = nn.Linear(width, classes)
        generator = torch.Generator().manual_seed(seed)
        nn.init.trunc_normal_(self.head.weight, std=HEAD_STD, generator=generator)
        nn.init.zeros_(self.head.bias)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 1, S, S) to logits (B, k)."""
        logits: Tensor = self.head(self.trunk(images))
        return logits


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


def positive_weights(truth: np.ndarray) -> np.ndarray:
    """Negatives by positives of each class of the training subset, (k,); 1 without positives."""
    positives, negatives = (truth == 1).sum(axis=0), (truth == 0).sum(axis=0)
    return np.where(positives > 0, negatives / np.maximum(positives, 1), 1.0)
