"""What CheXzero does around its towers: class vectors, scores without pairs, ensembles, pixels.

Tiu et al., Nature Biomedical Engineering 2022; rajpurkarlab/CheXzero. The probability of a pair of
prompts, exp(p) / (exp(p) + exp(n)) of the plain cosines, is
`benchmark.protocols.zero_shot.cosine_scores` at temperature 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.transforms import functional as pictures
from torchvision.transforms.functional import InterpolationMode

from benchmark.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

PIXEL_MEAN, PIXEL_STD = 101.48761, 83.43944
"""For grey values from 0 to 255."""


def class_vectors(templates: Tensor) -> Tensor:
    """(k, D) unit vectors of k classes from the vectors (k, t, D) of their t prompts.

    Each prompt is brought to length 1 before the mean, the mean again after it. MaCo and BioViL
    average raw vectors instead.
    """
    units = functional.normalize(templates, dim=-1)
    return functional.normalize(units.mean(dim=1), dim=-1)


def standardised_scores(cosines: Tensor) -> Tensor:
    """Scores (n, k) of images without negative prompts: sigmoid of the z-score over the classes.

    Args:
        cosines: (n, k) of n images with k classes. The deviation is the population's, of the one
            image; equal cosines give one half.
    """
    centred = cosines - cosines.mean(dim=1, keepdim=True)
    spread = cosines.std(dim=1, keepdim=True, correction=0)
    return torch.sigmoid(centred / spread.clamp(min=torch.finfo(spread.dtype).tiny))


def ensemble(probabilities: Sequence[Tensor]) -> Tensor:
    """Mean of the probabilities (n, k) of several checkpoints."""
    if not probabilities:
        raise UsageError("An ensemble needs the probabilities of at least one checkpoint.")
    return torch.stack(tuple(probabilities)).mean(dim=0)


def model_pixels(grey: Tensor, size: int = 224, antialias: bool = True) -> Tensor:
    """Grey squares as the official model takes them.

    The official order is kept: grey values of 0 to 255 are standardised first, then resized
    bicubically as a tensor, which neither rounds nor cuts what overshoots.

    Args:
        grey: (B, H, H), 0 to 255.
        size: Side of the result.
        antialias: torchvision's default since 0.17; the official environment, older, had none.

    Returns:
        (B, 3, size, size) float32, three equal channels.
    """
    standardised = (grey.float() - PIXEL_MEAN) / PIXEL_STD
    resized: Tensor = pictures.resize(
        standardised[:, None], [size, size], InterpolationMode.BICUBIC, antialias=antialias
    )
    return resized.expand(-1, 3, -1, -1)
