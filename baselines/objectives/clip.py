"""CLIP's loss: the symmetric contrast of pairs under a learned scale.

Radford et al., ICML 2021, Figure 3: cosines of all pairs of a batch times a learned factor,
cross-entropy in both directions, halved.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from baselines.objectives.contrast import cosine_logits, gathered, info_nce
from benchmark.errors import BadDataError, UsageError, unknown_name

FORMS = ("exponential", "inverse")


class LearnedScale(nn.Module):
    """The factor on cosines.

    Args:
        temperature: Start value; the factor begins at its inverse.
        form: `exponential` learns the logarithm of the factor (CLIP), `inverse` the factor itself
            (MaCo's code).
        limit: Largest factor, or None. CLIP cuts at 100; the parameter itself is cut, before it
            is used, so that it does not run on where the loss no longer feels it.
    """

    def __init__(
        self, temperature: float, form: str = "exponential", limit: float | None = None
    ) -> None:
        super().__init__()
        if form not in FORMS:
            raise unknown_name("value of option `scale`", form, FORMS)
        if temperature <= 0 or (limit is not None and limit <= 0):
            raise UsageError("Options `temperature` and `scale_limit` must be positive.")
        self.exponential = form == "exponential"
        start = 1.0 / temperature
        self.value = nn.Parameter(torch.tensor(math.log(start) if self.exponential else start))
        self.largest = limit
        if limit is not None and self.exponential:
            self.largest = math.log(limit)

    def forward(self) -> Tensor:
        """The factor, a scalar tensor with gradient."""
        if self.largest is not None:
            with torch.no_grad():
                self.value.clamp_(max=self.largest)
        value = self.value.float()
        return value.exp() if self.exponential else value

    def number(self) -> float:
        """The factor as a number; changes nothing."""
        value = float(self.value.detach())
        if self.largest is not None:
            value = min(value, self.largest)
        return math.exp(value) if self.exponential else value


def clip_loss(images: Tensor, texts: Tensor, scale: Tensor | float, gather: bool = True) -> Tensor:
    """Scalar contrast of images (B, D) with their texts (B, D), computed in float32.

    Args:
        images: Vectors of any length; cosines are formed here.
        texts: Row i belongs to image i.
        scale: Factor on the cosines.
        gather: Whether the pairs of all processes are negatives, with gradient.
    """
    if len(images) != len(texts):
        raise BadDataError(f"{len(images)} images meet {len(texts)} texts in one batch.")
    with torch.autocast(images.device.type, enabled=False):
        images, texts = images.float(), texts.float()
        if gather:
            images, texts = gathered(images), gathered(texts)
        return info_nce(cosine_logits(images, texts, scale))
